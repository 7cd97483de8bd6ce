// Speaks to the agent: what is looked at comes from api/, numbers and operations go through Jolokia. The password is kept in
// this module alone and gone with the page.

let authorization = "";

/** The agent said no, or nothing. `status` is that of HTTP or of Jolokia, 0 where nobody answered. */
export class Trouble extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

function headers(more) {
  return { "X-Wharf-Console": "1", ...(authorization && { Authorization: authorization }), ...more };
}

/**
 * A browser gives up whatever is under way when a link of its machine comes or goes, and on a host of containers they come and
 * go all day; so what only looks is asked for again before anybody is told.
 */
async function send(url, options) {
  for (const pause of options.method === undefined ? [100, 400, 1000] : []) {
    try {
      return await fetch(url, options);
    } catch (e) {
      if (e.name === "AbortError") throw e;
      await new Promise(done => setTimeout(done, pause));
    }
  }
  return fetch(url, options);
}

async function ask(url, options) {
  let answer;
  try {
    answer = await send(url, { cache: "no-store", credentials: "same-origin", ...options });
  } catch (e) {
    if (e.name === "AbortError") throw e;
    throw new Trouble(0, "the agent does not answer");
  }
  if (answer.ok) return answer;
  const body = await answer.json().catch(() => ({}));
  throw new Trouble(answer.status, body.message ?? `the agent answered with ${answer.status}`);
}

/** Who one is; without a user whoever the certificate names, and nobody where there is none. */
export async function logIn(user, password) {
  authorization = user === "" ? "" :
    "Basic " + btoa(String.fromCharCode(...new TextEncoder().encode(`${user}:${password}`)));
  try {
    return await (await ask("api/me", { headers: headers() })).json();
  } catch (e) {
    authorization = "";
    throw e;
  }
}

export function logOut() {
  authorization = "";
}

export async function look(what, signal) {
  return (await ask(`api/look/${what}`, { headers: headers(), signal })).json();
}

/** Hands each line of the journal to `take`, as it comes, until there is no more. */
export async function lines(query, take, signal) {
  const answer = await ask(`api/look/journal?${query}`, { headers: headers(), signal });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    const whole = (rest + piece.value).split("\n");
    rest = whole.pop();
    for (const line of whole) {
      if (line !== "") take(JSON.parse(line));
    }
  }
}

export async function all(query, signal) {
  const gathered = [];
  await lines(query, line => gathered.push(line), signal);
  return gathered;
}

async function jolokia(request) {
  const answer = await ask("../jolokia", {
    method: "POST",
    headers: headers({ "Content-Type": "application/json" }),
    body: JSON.stringify(request),
  });
  const said = await answer.json();
  if (said.status === 200) return said.value;
  throw new Trouble(said.status, said.status === 403
    ? "refused: this is for operators, and it has been recorded"
    : String(said.error ?? "it did not work").replace(/^(?:[\w.$]+(?:Exception|Error)\s*:\s*)+/, ""));
}

/** The attributes of every bean that fits, by the bean's name. */
export async function read(pattern, attributes) {
  try {
    return await jolokia({ type: "read", mbean: pattern, attribute: attributes });
  } catch (e) {
    if (e.status === 404) return {};
    throw e;
  }
}

export function operate(bean, operation, values = []) {
  return jolokia({ type: "exec", mbean: bean, operation, arguments: values });
}
