export const postsDraftsRoutes = [] as const;
