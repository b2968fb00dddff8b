export const postsSearchRoutes = [] as const;
