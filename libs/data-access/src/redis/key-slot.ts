const slots = 16_384;
const polynomial = 0x1021;

const table = Uint16Array.from({ length: 256 }, (_, byte) => {
  let rest = byte << 8;
  for (let bit = 0; bit < 8; bit += 1) rest = rest & 0x8000 ? (rest << 1) ^ polynomial : rest << 1;
  return rest;
});

/** In which of a cluster's slots a key is: CRC-16/XMODEM of the key, or of what stands between its first braces. */
export function slotOf(key: string): number {
  const bytes = Buffer.from(hashedPart(key));
  let sum = 0;
  for (const byte of bytes) sum = ((sum << 8) & 0xffff) ^ (table[(sum >> 8) ^ byte] ?? 0);
  return sum % slots;
}

function hashedPart(key: string): string {
  const start = key.indexOf('{');
  if (start === -1) return key;
  const end = key.indexOf('}', start + 1);
  return end > start + 1 ? key.slice(start + 1, end) : key;
}
