import { problems } from '@rostrum/errors';

export const auditErrors = {
  verificationUnderWay: () =>
    problems.conflict('VERIFICATION_UNDER_WAY', 'The audit log is being verified already; wait for that'),
};
