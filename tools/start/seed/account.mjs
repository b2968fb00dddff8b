import { ClearError } from '../../native/clear-error.mjs';

const pagesToSearch = 20;

/** One person of the development data, as a client of the public API. */
export class Account {
  #api;
  #token;

  constructor(api, username) {
    this.#api = api;
    this.username = username;
  }

  /** Logs in, after making the account where there is none. Resolves to whether it was made. */
  async enter({ password, isNew }) {
    // Nobody can have an account with a password that was made just now.
    if (!isNew && (await this.#login(password))) return false;
    const { username } = this;
    const body = { email: `${username}@rostrum.example`, username, password };
    const { status } = await this.#api.call('POST', '/api/v1/auth/register', { body });
    if (status === 409) {
      throw new ClearError(
        `The account ${username} exists with another password.`,
        'Name the file that holds it with --password-file, or begin anew with `npm run reset`.',
      );
    }
    expect(status === 201, `registering ${username}`, status);
    expect(await this.#login(password), `logging in as ${username}`, 401);
    return true;
  }

  async #login(password) {
    const body = { identifier: this.username, password };
    const { status, body: answer } = await this.#api.call('POST', '/api/v1/auth/login', { body });
    expect(status === 200 || status === 401, `logging in as ${this.username}`, status);
    this.#token = answer?.accessToken;
    return status === 200;
  }

  async post(text) {
    const { status } = await this.#call('POST', '/api/v1/posts', { body: { text } });
    expect(status === 201, `posting as ${this.username}`, status);
  }

  async follow(username) {
    const { status } = await this.#call('PUT', `/api/v1/users/${username}/follow`);
    expect(status === 204, `${this.username} following ${username}`, status);
  }

  /** Looks through the account's own feed, which holds its own posts too. */
  async hasPosted() {
    let path = '/api/v1/feed?limit=100';
    for (let page = 0; page < pagesToSearch; page += 1) {
      const { status, body } = await this.#call('GET', path);
      expect(status === 200, `reading the feed of ${this.username}`, status);
      if (body.items.some(({ author }) => author.username === this.username)) return true;
      if (!body.nextCursor) return false;
      path = `/api/v1/feed?limit=100&cursor=${body.nextCursor}`;
    }
    return true;
  }

  #call(method, path, options) {
    return this.#api.call(method, path, { ...options, token: this.#token });
  }
}

function expect(condition, what, status) {
  if (!condition)
    throw new ClearError(`Development data: ${what} was answered ${status}.`, 'The logs say why.');
}
