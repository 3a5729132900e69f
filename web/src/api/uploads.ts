/** Files on their way to a prompt: uploaded first, then named by it. */
import { api, take } from "./client";

export const uploadUrl = (id: string) => `/api/uploads/${encodeURIComponent(id)}`;

export const upload = (file: File) =>
  take(
    api.POST("/api/uploads", {
      params: { query: { name: file.name } },
      headers: { "Content-Type": "application/octet-stream" },
      body: file as unknown as string,
      bodySerializer: (body: unknown) => body as Blob,
    }),
  );

/** A prompt that has it keeps it. */
export const forgetUpload = (upload_id: string) =>
  take(api.DELETE("/api/uploads/{upload_id}", { params: { path: { upload_id } } }));
