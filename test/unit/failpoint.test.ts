import { afterEach, expect, test, vi } from "vitest";
import { createFailpoint } from "../../runtime/failpoint.ts";

afterEach(() => vi.restoreAllMocks());

test("a process kills itself when it passes the place for the given time, and once", () => {
  const kill = vi.spyOn(process, "kill").mockReturnValue(true);
  const failpoint = createFailpoint({ name: "committed", times: 2, action: "kill" });
  failpoint("committed");
  failpoint("committing");
  failpoint("acknowledging");
  expect(kill).not.toHaveBeenCalled();
  failpoint("committed");
  failpoint("committed");
  expect(kill.mock.calls).toEqual([[process.pid, "SIGKILL"]]);
});
