import type { BreachedPasswords } from './breached-passwords.client';
import { foldPassword, isCommonPassword } from './common-passwords';
import { passwordsErrors } from './passwords.errors';

/** What a password should not be made of. */
export interface PersonalWords {
  username: string;
  email: string;
}

export interface PolicyOptions {
  /** Asked too, where there is one. */
  online?: BreachedPasswords | undefined;
  /** Whether no password is taken while it cannot be asked. */
  onlineRequired?: boolean;
  /** It could not be asked, and the password was taken all the same. */
  onUnasked?: (error: unknown) => void;
}

const fewestOther = 6;
const shortestPersonal = 3;
const ownNames = ['rostrum'];

/** Decides which passwords may be chosen. Length is the contract's; there are no rules on kinds of characters. */
export class PasswordPolicy {
  constructor(private readonly options: PolicyOptions = {}) {}

  /** Throws a 422 problem that says what is wrong. */
  async assertFit(password: string, words: PersonalWords): Promise<void> {
    if (isCommonPassword(password)) throw passwordsErrors.tooCommon();
    if (isPersonal(password, words)) throw passwordsErrors.tooPersonal();
    if (await this.isBreached(password)) throw passwordsErrors.breached();
  }

  private async isBreached(password: string): Promise<boolean> {
    const { online, onlineRequired = false, onUnasked } = this.options;
    if (!online) return false;
    try {
      return await online.includes(password);
    } catch (error) {
      if (onlineRequired) throw error;
      onUnasked?.(error);
      return false;
    }
  }
}

/** Whether too little is left when all that others know is taken away. */
function isPersonal(password: string, { username, email }: PersonalWords): boolean {
  const words = [email, ...email.split('@').slice(0, 1), username, ...ownNames]
    .map(foldPassword)
    .filter(({ length }) => length >= shortestPersonal)
    .sort((a, b) => b.length - a.length);
  const folded = foldPassword(password);
  const rest = words.reduce((left, word) => left.replaceAll(word, ''), folded);
  return rest !== folded && rest.replace(/[\d\p{P}\p{S}_\s]/gu, '').length < fewestOther;
}
