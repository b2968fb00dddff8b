/** The cookies of browsers. The prefix makes browsers refuse them from any other host and without TLS. */
export const authCookies = {
  access: '__Host-rostrum_access',
  refresh: '__Host-rostrum_refresh',
  /** The only one that scripts of the page may read: they send it back in `csrfHeader`. */
  csrf: '__Host-rostrum_csrf',
  device: '__Host-rostrum_device',
} as const;

/** Goes with whatever changes something and is signed in by a cookie. */
export const csrfHeader = 'x-csrf-token';
