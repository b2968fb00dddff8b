import { currentContext, type Metrics, type RostrumLogger } from '@rostrum/observability';

interface Eyes {
  logger: Pick<RostrumLogger, 'info'>;
  metrics: Pick<Metrics, 'counter'>;
}

/** What happens in this service that people outside engineering would count: one log line and one counter each. */
export class BusinessEvents {
  private readonly logger: Eyes['logger'];
  private readonly registrations;
  private readonly signIns;

  constructor({ logger, metrics }: Eyes) {
    this.logger = logger;
    this.registrations = metrics.counter('users_registered_total', 'Accounts made');
    this.signIns = metrics.counter('sign_ins_total', 'Tries to sign in, by their outcome', ['outcome']);
    this.signIns.inc({ outcome: 'succeeded' }, 0);
    this.signIns.inc({ outcome: 'refused' }, 0);
  }

  userRegistered(userId: string): void {
    this.registrations.inc();
    claimRequest(userId);
    this.logger.info('User registered');
  }

  userSignedIn(userId: string): void {
    this.signIns.inc({ outcome: 'succeeded' });
    claimRequest(userId);
    this.logger.info('User signed in');
  }

  /** Says nothing of who it was: what people type as their name is, now and then, their password. */
  signInRefused(): void {
    this.signIns.inc({ outcome: 'refused' });
    this.logger.info('Sign-in refused');
  }
}

/** From here on it is known whose request it is, so all its lines say so. */
function claimRequest(userId: string): void {
  const context = currentContext();
  if (context) context.userId = userId;
}
