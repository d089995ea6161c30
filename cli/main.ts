import { runProgram } from "./program.ts";

endWithReader(process.stdout);
endWithReader(process.stderr);
process.exitCode = (await runProgram(process.argv.slice(2))) || process.exitCode;

/** `gramfleet … | head` is no failure: whoever reads has had enough, and there is nobody left to write for. */
function endWithReader(stream: NodeJS.WriteStream): void {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(0);
  });
}
