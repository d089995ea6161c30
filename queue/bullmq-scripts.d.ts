/** BullMQ declares its scripts' types beside another build of them. */
declare module "bullmq/dist/cjs/scripts/addPrioritizedJob-9.js" {
  export const addPrioritizedJob: { readonly name: string; readonly content: string; readonly keys: number };
}
