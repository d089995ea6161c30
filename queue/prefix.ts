/** What BullMQ's keys begin with. The hash tag keeps every queue of ours in one slot of a Redis Cluster. */
export const keyPrefix = (prefix: string): string => `{${prefix}}`;
