// Requests to the API, with the token where one is needed.

const KEY = 'everwire-token';
// How long an answer may take unless it is said; a send may wait for five seconds of its own.
const PATIENCE = 15000;

let asking = null;

export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `the answer is ${status}`);
    this.status = status;
    this.problem = problem;
  }
}

export function token() {
  return sessionStorage.getItem(KEY);
}

// The JSON of an answer. Paths are relative to the page, which may lie below a prefix of a reverse proxy; a refusal is thrown, after a token was asked for where one is needed.
export async function ask(method, path, options = {}) {
  for (;;) {
    const used = token();
    const answer = await request(method, path, options, used);
    if (answer.ok) return answer.status === 204 ? null : answer.json();
    const problem = await answer.json().catch(() => ({}));
    // Where the host is not known either, a request without a token is forbidden at once; the page begins with reading. A change may be
    // forbidden because this page seems to be another site's: its message says what to do.
    const needsToken = answer.status === 401 || (answer.status === 403 && !used && method === 'GET');
    if (!needsToken) throw new Refused(answer.status, problem);
    if (token() === used) await askForToken(problem.detail);
  }
}

export function of(name, rest = '') {
  return `v1/connections/${encodeURIComponent(name)}${rest}`;
}

function request(method, path, { body, type, patience = PATIENCE } = {}, used) {
  const headers = {};
  if (used) headers.Authorization = `Bearer ${used}`;
  if (type) headers['Content-Type'] = type;
  return fetch(path, { method, headers, body, cache: 'no-store', signal: AbortSignal.timeout(patience) });
}

// Many requests may be refused at once; the question is asked once.
function askForToken(detail) {
  asking ??= new Promise((resolve) => {
    const dialog = document.getElementById('ask');
    const input = document.getElementById('token');
    // That one is needed is what the title says.
    const why = detail && token() ? `${detail[0].toUpperCase()}${detail.slice(1)}. ` : '';
    document.getElementById('ask-why').textContent = `${why}It is kept until this tab is closed.`;
    const done = () => {
      // Nothing is seen without a token, so Escape asks again.
      if (!input.value) return dialog.showModal();
      sessionStorage.setItem(KEY, input.value);
      input.value = '';
      dialog.removeEventListener('close', done);
      asking = null;
      resolve();
    };
    dialog.addEventListener('close', done);
    dialog.showModal();
  });
  return asking;
}
