export const unwritten = (): never => {
  throw new Error("unwritten");
};
