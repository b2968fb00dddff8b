import { integer, setting } from '@rostrum/config';

export const auditSettings = {
  auditCheckpointSeconds: setting(integer(1, 86_400).default(60), {
    env: 'AUDIT_CHECKPOINT_SECONDS',
    doc: 'how often it is signed how far the audit log has come; what comes after it can be cut off without a trace',
  }),
  auditVerifyHours: setting(integer(0, 500).default(24), {
    env: 'AUDIT_VERIFY_HOURS',
    doc: 'how often the worker verifies the whole audit log; 0 leaves it to the operator',
  }),
};
