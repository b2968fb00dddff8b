import { getMediaRoute, type MediaType, type PostMedia } from '@rostrum/contracts';

/** An upload that somebody has begun. */
export interface PendingMedia {
  id: string;
  ownerId: string;
  type: MediaType;
  /** So many are to be uploaded. */
  bytes: number;
  alt: string;
}

/** A picture that is there, and what of. */
export interface Media extends PendingMedia {
  width: number;
  height: number;
  postId: string | null;
  isAvatar: boolean;
}

/** Where the bytes are that somebody has uploaded. Nobody but us ever reads them. */
export const uploadKey = (id: string): string => `uploads/${id}`;

/** Where the picture is that was made of them. An upload's URL cannot change it. */
export const pictureKey = (id: string): string => `media/${id}`;

const objectKey = /^(?:uploads|media)\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const isObjectKey = (key: unknown): key is string => typeof key === 'string' && objectKey.test(key);

export const mediaPath = (id: string): string => getMediaRoute.path.replace(':id', id);

/** How it stands in a post. */
export function toPostMedia({ id, type, width, height, alt }: Media): PostMedia {
  return { id, type, url: mediaPath(id), width, height, alt };
}
