// Requests to the server.

// Problem is an answer that is no success; place has field, line, column, entry
// and offset as far as they are known.
export class Problem extends Error {
  constructor(place) {
    super(place.message);
    this.place = place;
  }
}

async function answer(response) {
  let body;
  try {
    body = await response.json();
  } catch {
    throw new Problem({ message: `the server's answer is not understood (status ${response.status})` });
  }
  if (!response.ok) throw new Problem(body.error ?? { message: `status ${response.status}` });
  return body;
}

async function ask(url, init) {
  let response;
  try {
    response = await fetch(url, init);
  } catch (e) {
    if (e.name === 'AbortError') throw e;
    throw new Problem({ message: 'the server does not answer: is sgfuzz serve still running?' });
  }
  return answer(response);
}

export const get = (url) => ask(url, {});

// latest gives a function that posts to url and aborts its own request before:
// only the newest answer counts. It gives null in place of an answer that
// nobody wants any more.
export function latest(url) {
  let running = null;
  return async (body) => {
    running?.abort();
    const mine = new AbortController();
    running = mine;
    try {
      const got = await ask(url, {
        method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body), signal: mine.signal,
      });
      return running === mine ? got : null;
    } catch (e) {
      if (running !== mine || e.name === 'AbortError') return null;
      throw e;
    }
  };
}
