import { problems } from '@rostrum/errors';

export const blocksErrors = {
  cannotBlockYourself: () => problems.conflict('CANNOT_BLOCK_YOURSELF', 'You cannot block yourself'),
  cannotMuteYourself: () => problems.conflict('CANNOT_MUTE_YOURSELF', 'You cannot mute yourself'),
};
