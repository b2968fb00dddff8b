export const postsExploreRoutes = [] as const;
