/**
 * Usernames are ASCII by their contract (a-z, 0-9, _), so that no two look alike by being of different alphabets; and
 * nobody is called what people would take for us.
 */
const reserved = new Set(
  `abuse account admin administrator anonymous api auth billing deleted everyone feed help here hostmaster info
   login logout me mod moderator news noreply no_reply nobody null official ops postmaster posts register root
   rostrum search security settings staff status support sysadmin system team undefined unknown user users webmaster www`.split(
    /\s+/,
  ),
);

export function isReservedUsername(username: string): boolean {
  return reserved.has(username.replace(/^_+|_+$/g, ''));
}
