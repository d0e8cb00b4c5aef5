// Sends through a name, and prints the fate of the message.
//
//     node request.mjs [NAME [TEXT]]     needs `nats` of npm; NATS_URL is the address of the server
//
// A message without an answer is sent again with the same id: the server drops duplicates.

import { randomUUID } from 'node:crypto';
import { connect, headers, StringCodec } from 'nats';

const [name = 'account.main', text = '{"op":"ping"}'] = process.argv.slice(2);
const servers = process.env.NATS_URL ?? 'nats://127.0.0.1:4222';
const codec = StringCodec();
const client = await connect({ servers });
const marked = headers();
marked.set('Nats-Msg-Id', randomUUID());
const subject = `everwire.out.${name.replaceAll(':', '=3A')}`;
try {
  const answer = await client.request(subject, codec.encode(text), { headers: marked, timeout: 10_000 });
  const { fate, problem } = JSON.parse(codec.decode(answer.data));
  console.log(problem ? `${fate}: ${problem.reason}: ${problem.detail}` : fate);
  process.exitCode = problem ? 1 : 0;
} catch (error) {
  console.error(`no answer: ${error.message}`);
  process.exitCode = 1;
}
await client.close();
