export const postsThreadsRoutes = [] as const;
