import { problems } from '@rostrum/errors';

export const moderationErrors = {
  /** Nobody reports or moderates what they have written themselves, nor reads who has reported it. */
  ownPost: () => problems.conflict('OWN_POST', 'The post is your own'),

  claimed: () => problems.conflict('CLAIMED', 'Another moderator is at work on it'),

  nothingToDecide: () =>
    problems.conflict('NOTHING_TO_DECIDE', 'The post has neither been reported nor is there an appeal'),

  alreadyHidden: () => problems.conflict('ALREADY_HIDDEN', 'The post is hidden already'),

  notHidden: () => problems.conflict('NOT_HIDDEN', 'The post is not hidden'),

  nothingReported: () =>
    problems.conflict('NOTHING_REPORTED', 'The post has no reports that nobody has decided'),

  notAppealed: () => problems.conflict('NOT_APPEALED', 'There is no appeal that waits'),

  ownDecision: () =>
    problems.conflict('OWN_DECISION', 'Another moderator than the one who hid the post decides the appeal'),

  alreadyAppealed: () => problems.conflict('ALREADY_APPEALED', 'You have appealed against this decision'),
};
