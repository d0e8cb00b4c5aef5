//! The message for a wrong value says what would be right.

use super::error;

#[test]
fn a_wrong_value_is_told_with_what_would_be_right() {
    let cases = [
        (
            "enabled = 'yes'",
            "expected true or false, without quotes, found the string \"yes\"",
        ),
        ("tags = 'a'", "expected an array of tags"),
        ("tags = ['']", "the text is empty"),
        (
            "connect_timeout = '10 sec'",
            "invalid duration `10 sec` | write \"10s\"",
        ),
        (
            "connect_timeout = 10",
            "invalid duration `10` | write \"10s\" for seconds",
        ),
        (
            "connect_timeout = '0s'",
            "the duration must be longer than zero",
        ),
        (
            "connect_timeout = 1.5",
            "expected a duration such as \"10s\", found the float 1.5",
        ),
        (
            "idle_timeout = '366d'",
            "invalid duration `366d` | the longest duration is a year",
        ),
        (
            "max_message = '16 mib'",
            "invalid size `16 mib` | write \"16MiB\"",
        ),
        (
            "max_message = 0",
            "invalid size `0` | write a size of at least 1 byte",
        ),
        ("max_message = -1", "invalid size `-1`"),
        (
            "close_code = 1005",
            "invalid close code 1005 | it is one of 1000 to 1003",
        ),
        ("close_code = 1004", "invalid close code 1004"),
        ("close_code = 2999", "invalid close code 2999"),
        ("close_code = 66536", "invalid close code 66536"),
        ("subprotocols = ['a b']", "invalid subprotocol `a b`"),
        (
            "subprotocols = ['a', 'a']",
            "the subprotocol `a` comes twice",
        ),
        ("source_address = 'eth0'", "invalid IP address `eth0`"),
        ("headers = { 'a b' = '' }", "invalid header name `a b`"),
        (
            "headers = { a = '1', A = '2' }",
            "the header `A` comes twice",
        ),
        (
            "headers = { upgrade = 'x' }",
            "everwire itself sets the header `upgrade`",
        ),
        (
            "headers = { Sec-WebSocket-Protocol = 'x' }",
            "everwire itself sets the header `Sec-WebSocket-Protocol` | use subprotocols",
        ),
        (
            "headers = { a = \"x\\r\\ny: z\" }",
            "the value has a control character",
        ),
        (
            "basic_auth = { user = 'a' }",
            "`basic_auth` has no password",
        ),
        (
            "basic_auth = { user = 'a:b', password = '' }",
            "the user name has a colon",
        ),
        (
            "basic_auth = { user = '€', password = '', encoding = 'latin1' }",
            "a character of it is not in ISO 8859-1",
        ),
        (
            "basic_auth = { user = 'a', password = '' }\nheaders = { authorization = 'x' }",
            "the header `Authorization` and `basic_auth` exclude each other",
        ),
        ("on_open = 'a'", "expected an array of messages"),
        ("on_open = [{}]", "a message has either `text` or `base64`"),
        ("on_open = [{ base64 = '!' }]", "invalid base64"),
        (
            "on_open = ['12345']\nmax_message = 4",
            "the message is longer than max_message (4B)",
        ),
        (
            "heartbeat = 'tekst'",
            "invalid value `tekst` | one of \"protocol\", \"text\", \"none\"",
        ),
        (
            "heartbeat = 'Text'",
            "invalid value `Text` | did you mean \"text\"?",
        ),
        (
            "heartbeat = false",
            "expected a table, \"protocol\", \"text\" or \"none\"",
        ),
        (
            "heartbeat = { timeout = '0s' }",
            "the duration must be longer than zero",
        ),
        (
            "heartbeat = { interval = '0s' }",
            "the duration must be longer than zero",
        ),
        (
            "heartbeat = { ping = 'x' }",
            "`ping` belongs to a heartbeat of kind \"text\"",
        ),
        (
            "heartbeat = { kind = 'none', deliver = true }",
            "`deliver` belongs to a heartbeat of kind \"text\"",
        ),
        (
            "heartbeat = { kind = 'text', pong = { json = '/a' } }",
            "the pong is matched by an expression | write { when = 'exists(/a)' }",
        ),
        (
            "heartbeat = { kind = 'text', ping = '${nwo(\"s\")}' }",
            "unknown function `nwo` | did you mean `now`?",
        ),
        (
            "heartbeat = { fence = true }",
            "`fence` belongs to a heartbeat of kind \"text\"",
        ),
        (
            "heartbeat = { kind = 'none', fence = false }",
            "`fence` belongs to a heartbeat of kind \"text\"",
        ),
        (
            "reconnect = 'always'",
            "invalid value `always` | write \"never\", or a table",
        ),
        (
            "reconnect = { min = '1s', initial = '500ms' }",
            "min (1s) is longer than initial (500ms)",
        ),
        (
            "reconnect = { min = '1s' }",
            "min (1s) is longer than initial (500ms, the default)",
        ),
        (
            "reconnect = { max = '400ms' }",
            "initial (500ms, the default) is longer than max (400ms)",
        ),
        (
            "reconnect = { initial = '0s' }",
            "the duration must be longer than zero",
        ),
        (
            "reconnect = { factor = 0.9 }",
            "the factor 0.9 is out of range",
        ),
        (
            "reconnect = { factor = nan }",
            "the factor NaN is out of range",
        ),
        ("reconnect = { max_attempts = -1 }", "-1 is out of range"),
        (
            "reconnect = { give_up_on = ['cause:refusd'] }",
            "invalid rule `cause:refusd` | did you mean \"cause:refused\"?",
        ),
        ("compression = 'deflate'", "expected true, false or a table"),
        (
            "compression = { client_max_window_bits = 8 }",
            "8 is out of range | write a number from 9 to 15",
        ),
        (
            "compression = { server_max_window_bits = 16 }",
            "16 is out of range | write a number from 8 to 15",
        ),
        ("compression = { level = 0 }", "0 is out of range"),
        ("outbox = { messages = 0 }", "0 is out of range"),
        (
            "outbox = { when_full = 'drop' }",
            "invalid value `drop` | one of \"reject\", \"drop_oldest\"",
        ),
        (
            "outbox = { durable = 'yes' }",
            "expected true or false, without quotes",
        ),
        (
            "outbox = { fsync = 'never' }",
            "invalid value `never` | one of \"always\", \"interval\"",
        ),
        (
            "outbox = { resend = 'in-doubt' }",
            "invalid value `in-doubt` | did you mean \"in_doubt\"?",
        ),
        ("history = 100", "expected a table, found the integer 100"),
        ("history = { messages = -1 }", "-1 is out of range"),
        ("history = { bytes = 0 }", "write a size of at least 1 byte"),
        (
            "rotate_after = '999ms'",
            "the duration 999ms is out of range | write a duration from \"1s\" to \"8760h\"",
        ),
        ("rotate_after = 'never'", "invalid duration `never`"),
        (
            "sequence = '/data/t'",
            "invalid value `/data/t` | write \"none\", or a table: { json = \"/data/t\" }",
        ),
        (
            "sequence = {}",
            "`sequence` has no `json` | write where the number stands: sequence = { json = \"/data/t\" }",
        ),
        (
            "sequence = { json = 'data/t' }",
            "invalid JSON Pointer `data/t`: it starts with a slash, as in \"/data/t\" | write \"/data/t\"",
        ),
        (
            "sequence = { json = '$.a.items[0].n' }",
            "| write \"/a/items/0/n\"",
        ),
        (
            "sequence = { json = '/a~b' }",
            "the ~ at position 2 is neither ~0 (for ~) nor ~1",
        ),
        (
            "sequence = { json = 1 }",
            "expected a JSON Pointer such as \"/data/t\", found the integer 1",
        ),
        (
            "rate = 5",
            "expected a table such as { messages = 5, per = \"1s\" }, the key of a bucket in [rates], a list of keys, or",
        ),
        ("rate = ''", "the text is empty"),
        ("rate = {}", "the rate has no `messages`"),
        (
            "rate = 'unlimitd'",
            "unknown rate `unlimitd` | did you mean \"unlimited\"?",
        ),
        (
            "rate = 'site'",
            "unknown rate `site` | write [rates.site], or a table",
        ),
        (
            "rate = { messages = 0 }",
            "0 is out of range | write a number from 1 to 1000000",
        ),
        (
            "rate = { messages = 1, burst = 1000001 }",
            "1000001 is out of range",
        ),
        (
            "rate = { messages = 1, per = '0s' }",
            "the duration 0s is out of range | write a duration from \"1ms\" to \"24h\"",
        ),
        (
            "rate = { messages = 1, per = '25h' }",
            "the duration 25h is out of range",
        ),
        (
            "rate = { messages = 5, burst = 10 }",
            "invalid burst 10: only 5 messages may go out in 1s | write a burst of 1 to 5; without one all 5",
        ),
        (
            "rate = { messages = 1, brust = 2 }",
            "unknown key `brust` | did you mean `burst`?",
        ),
        ("tls = { ca_file = '' }", "the text is empty"),
        (
            "urls = ['wss://b']",
            "`url` and `urls` exclude each other | write all of them into urls",
        ),
        (
            "tls = { cert_file = 'c.pem' }",
            "`cert_file` has no `key_file` | write key_file too",
        ),
        (
            "tls = { key_file = 'k.pem' }",
            "`key_file` has no `cert_file`",
        ),
        (
            "tls = { server_name = 'a.example:443' }",
            "invalid certificate name `a.example:443`",
        ),
        (
            "idel_timeout = '1s'",
            "unknown key `idel_timeout` | did you mean `idle_timeout`?",
        ),
        ("group = 'x'", "unknown group `x`"),
        (
            "on_open = ['${sid}']",
            "unknown name `sid` | did you mean `id`?",
        ),
        (
            "on_open = ['${/a}']",
            "`/a` looks into a message, but there is none here | capture the value before, and write the capture's name",
        ),
        (
            "on_open = ['${secret:..}']",
            "invalid secret id in `${secret:..}`",
        ),
        ("on_open = ['${now(\"sec\")}']", "unknown unit `\"sec\"`"),
        (
            "on_open = ['${Home}']",
            "invalid variable `${Home}` | a variable is written in upper case: ${HOME}",
        ),
        ("on_open = ['${file:}']", "`${file:}` has no path"),
        ("on_open = ['${X']", "`${` is not closed"),
        (
            "on_open = ['${X}']",
            "the environment variable `X` is not set",
        ),
    ];
    for (keys, expected) in cases {
        let error = error(keys);
        assert!(error.contains(expected), "{keys}\n  {error}\n  {expected}");
    }
}
