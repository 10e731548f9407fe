// The server's JSON. The inspector's scripts come before the modules; `element`, `byId` are theirs.

const KEY = "poolwise-key";

export class ServerError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

export function setKey(key) {
  sessionStorage.setItem(KEY, key);
}

// The reply to a GET, or to a POST of `body`. Throws ServerError with a sentence to show.
export async function ask(path, body, signal) {
  const key = sessionStorage.getItem(KEY);
  const headers = {
    ...(body && { "Content-Type": "application/json" }),
    ...(key && { Authorization: `Bearer ${key}` }),
  };
  const options = body
    ? { method: "POST", body: JSON.stringify(body), headers, signal }
    : { headers, signal };
  let reply;
  try {
    reply = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ServerError("The server does not answer. Is it still running?", 0);
  }
  const content = await reply.json().catch(() => null);
  if (reply.ok && content !== null) return content;
  if (reply.status === 401) {
    sessionStorage.removeItem(KEY);
    throw new ServerError(key ? "That is not one of this server’s keys." : "This server needs a key.", 401);
  }
  throw new ServerError(inWords(content, reply), reply.status);
}

function inWords(content, reply) {
  const message = content?.error?.message ?? `the server answered with status ${reply.status}`;
  const seconds = reply.headers.get("retry-after");
  const named = message.replace(/texts\[(\d+)\]/g, (_, index) => `sentence ${Number(index) + 1}`);
  const sentence = named[0].toUpperCase() + named.slice(1);
  return seconds ? `${sentence} (in ${seconds} s)` : sentence;
}
