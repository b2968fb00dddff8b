export const postsTagsRoutes = [] as const;
