//! Programs, and programs that do not end.

use super::*;

/// The reported failure of a program.
async fn told_of_program(exec: &str, within: &str) -> String {
    let keys = format!("url = \"WS\"\nprepare = [{{ exec = {exec}, within = \"{within}\" }}]");
    told_of(&keys, |_, _| Ok(())).await
}

#[tokio::test]
async fn a_program_says_what_is_captured_and_sees_nothing_of_ours() {
    let server = Server::start(|line| {
        line.ask(line.path == "/name-/", format!("path {}", line.path));
        line.until_gone()
    });
    let keys = r#"
url = "WS${said}/"
prepare = [{ exec = ["sh", "-c", 'echo "$1-$KEY$HOME"; cat', "sh", "${name}"], capture = { said = "message" } }]"#;
    let (_manager, _handle, mut watch) = open(name(keys, "", &server.url()));
    watch.ready().await;
    assert_eq!(server.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn a_hostile_program_is_ended() {
    let told = told_of_program(r#"["sleep", "100"]"#, "300ms").await;
    assert!(
        told.ends_with(": it was killed, since its time was over"),
        "{told}"
    );
    let told = told_of_program(r#"["yes"]"#, "10s").await;
    assert!(
        told.ends_with(": it was killed, since it wrote more than 65536 bytes"),
        "{told}"
    );
    let told = told_of_program(r#"["sh", "-c", "yes >&2"]"#, "10s").await;
    assert!(
        told.ends_with(": it was killed, since it wrote more than 65536 bytes"),
        "{told}"
    );
    let told = told_of_program(r#"["no-such-program-here"]"#, "10s").await;
    assert!(
        told.ends_with(": it cannot be started: no such file or directory"),
        "{told}"
    );
    let told = told_of_program(r#"["sh", "-c", "echo why >&2; exit 3"]"#, "10s").await;
    assert!(
        told.contains("exec sh, answered 3 after") && told.ends_with(": why"),
        "{told}"
    );
    let told = told_of_program(r#"["sh", "-c", "kill -9 $$"]"#, "10s").await;
    assert!(
        told.contains("exec sh, was ended by a signal after"),
        "{told}"
    );
}

#[tokio::test]
async fn a_program_ends_with_the_dial_that_waits_for_it() {
    let dir = TestDir::new("exec");
    let file = dir.path().join("pid");
    let shell = format!(
        "echo $$ > {}.tmp; mv {0}.tmp {0}; exec sleep 100",
        file.display()
    );
    let keys = format!("url = \"WS\"\nprepare = [{{ exec = ['sh', '-c', '{shell}'] }}]");
    let (_manager, handle, _watch) = open(name(&keys, "", "ws://127.0.0.1:9/"));
    poll_until("the program", SOON, || file.exists()).await;
    let id = std::fs::read_to_string(&file).unwrap().trim().to_owned();
    handle.close(1000, "").await.unwrap();
    let process = format!("/proc/{id}/stat");
    poll_until("the end of the program", SOON, || {
        // A zombie no longer runs.
        std::fs::read_to_string(&process).map_or(true, |stat| stat.contains(") Z "))
    })
    .await;
}

#[tokio::test]
async fn so_many_programs_run_at_a_time_and_the_others_wait_for_their_turn() {
    let dir = TestDir::new("exec-many");
    let (running, log) = (dir.path().join("running"), dir.path().join("log"));
    std::fs::create_dir(&running).unwrap();
    let go = dir.path().join("go");
    // Once they may continue, each prints how many run at the same time.
    let shell = format!(
        "touch {0}/$$; until test -e {2}; do sleep 0.01; done; ls {0} | wc -l >> {1}; rm {0}/$$",
        running.display(),
        log.display(),
        go.display()
    );
    let server = echo();
    let keys = format!("url = \"WS\"\nprepare = [{{ exec = ['sh', '-c', '{shell}'] }}]");
    let settings = name(&keys, "", &server.url());
    let manager = one_arbiter();
    for number in 0..40 {
        manager
            .open(format!("name-{number}").as_str(), settings.clone())
            .unwrap();
    }
    poll_until("16 programs", SOON, || {
        std::fs::read_dir(&running).unwrap().count() == 16
    })
    .await;
    std::fs::write(&go, "").unwrap();
    poll_until("40 sockets", SOON, || server.sockets() == 40).await;
    let log = std::fs::read_to_string(&log).unwrap();
    let most = log.lines().map(|line| line.trim().parse::<u32>().unwrap());
    let most = most.max().unwrap();
    assert_eq!(most, 16, "so many ran at a time");
}
