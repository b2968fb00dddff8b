/** As many as one address may have connections to one port, with room. */
const perAddress = 5000;

/** Each process has addresses of its own: ports that others have just left are not free yet. */
const network = `127.${1 + (process.pid % 250)}.0`;

/** Whence the client of this number connects. */
export const addressOf = (client: number) => `${network}.${2 + Math.floor(client / perAddress)}`;
