import { postsInternalRoutes, revocationsRoute, serviceRoutes, type RouteContract } from '@rostrum/contracts';
import { createTokenVerifier, remoteKeySet, roles } from '@rostrum/security';
import { testTokens, type TestTokens } from '@rostrum/testing';
import { startTestService, type TestService } from './test-service';

const everybody = ['nobody', ...roles];
const signedIn = [...roles];
const moderators = ['moderator', 'admin'];
const admins = ['admin'];

/** Who may call what. Each route of each service has a line here: a new one is refused by the first test until it has. */
const mayCall: Record<string, readonly string[]> = {
  register: everybody,
  login: everybody,
  refresh: everybody,
  verifyEmail: everybody,
  forgotPassword: everybody,
  resetPassword: everybody,
  loginMfa: everybody,
  beginPasskeyLogin: everybody,
  loginPasskey: everybody,
  beginPasskeyMfa: everybody,
  beginOidcLogin: everybody,
  loginOidc: everybody,
  beginOidcSignUp: everybody,
  signUpOidc: everybody,
  getKeys: everybody,
  listRevocations: everybody,
  findVisible: everybody,
  findViewers: everybody,
  listAllAvoidances: everybody,
  listAllFollows: everybody,
  openWebSocket: everybody,

  logout: signedIn,
  getMe: signedIn,
  changeMe: signedIn,
  deleteMe: signedIn,
  exportMe: signedIn,
  resendVerification: signedIn,
  changePassword: signedIn,
  listSessions: signedIn,
  endSession: signedIn,
  endSessions: signedIn,
  getMfa: signedIn,
  enrolTotp: signedIn,
  confirmTotp: signedIn,
  disableTotp: signedIn,
  renewRecoveryCodes: signedIn,
  stepUp: signedIn,
  beginPasskey: signedIn,
  createPasskey: signedIn,
  listPasskeys: signedIn,
  renamePasskey: signedIn,
  deletePasskey: signedIn,
  beginPasskeyStepUp: signedIn,
  beginOidcLink: signedIn,
  linkOidc: signedIn,
  listIdentities: signedIn,
  unlinkIdentity: signedIn,
  verify: signedIn,
  createPost: signedIn,
  listPosts: signedIn,
  getPost: signedIn,
  editPost: signedIn,
  deletePost: signedIn,
  describeMedia: signedIn,
  listPostVersions: signedIn,
  createDraft: signedIn,
  listDrafts: signedIn,
  getDraft: signedIn,
  replaceDraft: signedIn,
  deleteDraft: signedIn,
  publishDraft: signedIn,
  listReplies: signedIn,
  getThread: signedIn,
  listUserPosts: signedIn,
  likePost: signedIn,
  unlikePost: signedIn,
  repost: signedIn,
  unrepost: signedIn,
  bookmarkPost: signedIn,
  unbookmarkPost: signedIn,
  listLikes: signedIn,
  listReposts: signedIn,
  listBookmarks: signedIn,
  getReactions: signedIn,
  listPostsWithTag: signedIn,
  listTrendingTags: signedIn,
  searchPosts: signedIn,
  searchPeople: signedIn,
  searchTags: signedIn,
  createMedia: signedIn,
  completeMedia: signedIn,
  listMedia: signedIn,
  getMedia: signedIn,
  getHomeFeed: signedIn,
  explore: signedIn,
  getProfile: signedIn,
  follow: signedIn,
  unfollow: signedIn,
  changeProfile: signedIn,
  listRelationships: signedIn,
  listFollowers: signedIn,
  listFollowing: signedIn,
  listFollowRequests: signedIn,
  acceptFollowRequest: signedIn,
  refuseFollowRequest: signedIn,
  block: signedIn,
  unblock: signedIn,
  listBlocks: signedIn,
  mute: signedIn,
  unmute: signedIn,
  listMutes: signedIn,
  reportPost: signedIn,
  reportPerson: signedIn,
  getPostModeration: signedIn,
  appealPost: signedIn,
  listNotifications: signedIn,
  markNotificationsRead: signedIn,
  getNotificationSettings: signedIn,
  changeNotificationSettings: signedIn,
  getPushKey: signedIn,
  subscribePush: signedIn,
  unsubscribePush: signedIn,
  getPresence: signedIn,
  listPresence: signedIn,
  createRealtimeTicket: signedIn,

  listModerationQueue: moderators,
  getModerationRecord: moderators,
  claimModeration: moderators,
  releaseModeration: moderators,
  hidePost: moderators,
  restorePost: moderators,
  dismissReports: moderators,
  upholdHiding: moderators,
  listReportedPeople: moderators,
  getPersonModerationRecord: moderators,
  escalatePerson: moderators,
  closePersonCase: moderators,

  getRealtimeStats: admins,
  adminListUsers: admins,
  adminGetUser: admins,
  adminSuspendUser: admins,
  adminRestoreUser: admins,
  adminGrantRole: admins,
  adminTakeRole: admins,
  adminEndUserSessions: admins,
  adminListKeys: admins,
  adminRotateKeys: admins,
  adminRevokeKey: admins,
  adminListAuditEvents: admins,
  adminVerifyAudit: admins,
};

/** Who may call does not depend on keys, and these routes have no place to keep them. */
const contracts: readonly RouteContract[] = [
  ...Object.values(serviceRoutes).flat(),
  revocationsRoute,
  ...postsInternalRoutes,
].map((contract) => ({ ...contract, idempotent: false }));
const names = contracts.map(({ operationId }) => operationId);

let issuer: TestTokens;
let service: TestService;
const tokens: Record<string, string> = {};

beforeAll(async () => {
  issuer = await testTokens();
  service = await startTestService({
    tokens: createTokenVerifier({
      issuer: issuer.issuer,
      audience: issuer.audience,
      keys: remoteKeySet(issuer.jwksUrl),
    }),
    // Whoever gets as far as the handler may call the route, whatever it does.
    routes: (binder) => {
      for (const contract of contracts) binder.bind(contract, () => ({ status: 204 }) as never);
    },
  });
  for (const role of roles)
    tokens[role] = await issuer.sign({ roles: role === 'user' ? [role] : ['user', role] });
});
afterAll(async () => {
  await service.service.stop('the test is over');
  await issuer.close();
});

it('every route has its line, and every line a route', () => {
  expect(Object.keys(mayCall).sort()).toEqual([...names].sort());
});

it.each(everybody)('%s may call these and no others', async (who) => {
  const allowed = await Promise.all(contracts.map((contract) => mayIn(contract, who)));
  const called = names.filter((_, index) => allowed[index]);
  expect(called.sort()).toEqual(names.filter((name) => mayCall[name]?.includes(who)).sort());
});

/** Refusals come before a look at what was sent: anything else than 401 and 403 is somebody who may. */
async function mayIn(
  { method, path, operationId, permission }: RouteContract,
  who: string,
): Promise<boolean> {
  const token = tokens[who];
  const response = await fetch(service.url + path.replace(/:\w+/g, 'x'), {
    method: method.toUpperCase(),
    ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
  });
  const { code } = (await response.json().catch(() => ({}))) as { code?: string };
  if (response.status === 403)
    expect([operationId, code, permission]).toEqual([operationId, 'FORBIDDEN', permission]);
  expect(response.status).toBeLessThan(500);
  return ![401, 403].includes(response.status);
}
