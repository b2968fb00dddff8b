import type { ModerationCase as CaseBody, ModerationEntry, ModerationState } from '@rostrum/contracts';
import { moderationErrors } from './moderation.errors';
import { somebody } from './report-bodies';

/** Where a post stands with the moderators. */
export interface ModerationCase {
  postId: string;
  state: ModerationState;
  since: Date;
  /** Counts how often reports have come anew after a decision. */
  round: number;
  /** Who is at work on it; null when their time is over. */
  claimedBy: string | null;
  claimedByName: string | null;
  claimedUntil: Date | null;
}

export function claimOf({ claimedBy, claimedByName, claimedUntil }: ModerationCase): CaseBody['claim'] {
  if (claimedBy === null || claimedUntil === null) return null;
  return { moderator: somebody(claimedBy, claimedByName), until: claimedUntil.toISOString() };
}

export function toCaseBody(given: ModerationCase): CaseBody {
  const { postId, state, since } = given;
  return { postId, state, since: since.toISOString(), claim: claimOf(given) };
}

/** What decides whether something can be decided. */
export interface Standing {
  hidden: boolean;
  state: ModerationState | undefined;
  /** The moderator who has hidden it. */
  hiddenBy: string | undefined;
}

export type DecisionKind = 'hide' | 'restore' | 'dismiss' | 'uphold';

export interface DecisionRule {
  /** How it stands in the log. */
  entry: Exclude<ModerationEntry['kind'], 'claimed' | 'released'>;
  to: ModerationState;
  /** What becomes of the post; undefined where it stays as it is. */
  hides?: boolean;
  assert: (standing: Standing, moderatorId: string) => void;
}

/** Whoever has hidden a post has no part in the appeal. */
export function assertNotOwnDecision(
  { state, hiddenBy }: Omit<Standing, 'hidden'>,
  moderatorId: string,
): void {
  if (state === 'appealed' && hiddenBy === moderatorId) throw moderationErrors.ownDecision();
}

export const decisionRules: Readonly<Record<DecisionKind, DecisionRule>> = {
  hide: {
    entry: 'hidden',
    to: 'hidden',
    hides: true,
    assert: ({ hidden }) => {
      if (hidden) throw moderationErrors.alreadyHidden();
    },
  },
  restore: {
    entry: 'restored',
    to: 'restored',
    hides: false,
    assert: (standing, moderatorId) => {
      if (!standing.hidden) throw moderationErrors.notHidden();
      assertNotOwnDecision(standing, moderatorId);
    },
  },
  dismiss: {
    entry: 'dismissed',
    to: 'dismissed',
    assert: ({ state }) => {
      if (state !== 'open') throw moderationErrors.nothingReported();
    },
  },
  uphold: {
    entry: 'upheld',
    to: 'hidden',
    assert: (standing, moderatorId) => {
      if (standing.state !== 'appealed') throw moderationErrors.notAppealed();
      assertNotOwnDecision(standing, moderatorId);
    },
  },
};
