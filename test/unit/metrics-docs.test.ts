import { collectDefaultMetrics, Registry } from "prom-client";
import { expect, it } from "vitest";
import { describeMetrics } from "../../runtime/metrics/describe.ts";
import { createMetrics } from "../../runtime/metrics.ts";

it("docs/metrics.md is what the registry says (vitest -u writes it anew)", async () => {
  const runtime = new Registry();
  collectDefaultMetrics({ register: runtime });
  const ofTheProcess = runtime.getMetricsAsArray().map((metric) => ({
    ...{ name: metric.name, help: metric.help },
    type: (metric as { readonly type?: unknown }).type,
  }));
  await expect(describeMetrics(createMetrics().catalog, ofTheProcess)).toMatchFileSnapshot("../../docs/metrics.md");
});
