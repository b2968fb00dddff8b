import { AppError } from '@rostrum/errors';

const unfit = (code: string, detail: string) =>
  new AppError({ code, status: 422, title: 'Unfit password', detail });

export const passwordsErrors = {
  tooCommon: () =>
    unfit('PASSWORD_TOO_COMMON', 'This is one of the passwords that are tried first; choose another'),

  breached: () =>
    unfit('PASSWORD_BREACHED', 'This password has been in a breach of another service; choose another'),

  tooPersonal: () =>
    unfit('PASSWORD_TOO_PERSONAL', 'This password is little more than your name or address; choose another'),

  /** Of somebody who is signed in already. */
  wrong: () =>
    new AppError({
      code: 'PASSWORD_WRONG',
      status: 403,
      title: 'Wrong password',
      detail: 'This is not the password of your account',
    }),
};
