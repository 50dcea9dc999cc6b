// The state of the page in the URL's fragment: a link opens the same case. Short
// texts are readable in it, long ones are compressed.

const readable = 1500; // characters of text that stand in the link as they are

// write makes a fragment of { text, strategy, bug, request }.
export async function write(state) {
  const parts = new URLSearchParams();
  if (state.strategy) parts.set('strategy', state.strategy);
  if (state.bug) parts.set('bug', state.bug);
  if (state.request !== null) parts.set('request', state.request);
  if (state.text.length <= readable) parts.set('case', state.text);
  else parts.set('z', await pack(state.text));
  return '#' + parts.toString();
}

// read gives the state of a fragment; its text is null if none is in it. An
// error says that the link is damaged.
export async function read(fragment) {
  const parts = new URLSearchParams(fragment.replace(/^#/, ''));
  const text = parts.get('case') ?? (parts.has('z') ? await unpack(parts.get('z')) : null);
  const request = parts.has('request') ? Number(parts.get('request')) || 0 : null;
  return { text, strategy: parts.get('strategy') ?? '', bug: parts.get('bug') ?? '', request };
}

const most = 8 << 20; // characters of a text

async function pack(text) {
  const all = await collect(new Blob([text]).stream().pipeThrough(new CompressionStream('deflate-raw')), Infinity);
  let s = '';
  for (let i = 0; i < all.length; i += 0x8000) s += String.fromCharCode(...all.subarray(i, i + 0x8000));
  return btoa(s).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

async function unpack(word) {
  let bytes;
  try {
    bytes = Uint8Array.from(atob(word.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
    const all = await collect(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw')), most);
    return new TextDecoder('utf-8', { fatal: true }).decode(all);
  } catch (e) {
    throw new Error('the link is damaged: its case cannot be unpacked', { cause: e });
  }
}

// collect reads a stream to its end, but no more than limit bytes.
async function collect(stream, limit) {
  const chunks = [];
  let n = 0;
  for (const reader = stream.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    n += value.length;
    if (n > limit) throw new Error('too long');
    chunks.push(value);
  }
  const all = new Uint8Array(n);
  let at = 0;
  for (const c of chunks) {
    all.set(c, at);
    at += c.length;
  }
  return all;
}
