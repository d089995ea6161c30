import type { Handler, Handlers } from "../dc/service.ts";
import { encodeAppConfig, encodeConfig, encodeNearestDc } from "../tl/write-config.ts";
import type { ServiceDeps } from "./deps.ts";

/** What a client asks before anything else. */
export function helpHandlers({ dataCenters }: ServiceDeps): Handlers {
  const getConfig: Handler = (_request, context) =>
    encodeConfig({ date: Math.floor(context.now / 1000), thisDc: context.dcId, dataCenters: dataCenters() });
  return new Map<string, Handler>([
    ["help.GetConfig", getConfig],
    ["help.GetNearestDc", (_request, context) => encodeNearestDc(context.dcId)],
    ["help.GetAppConfig", () => encodeAppConfig()],
  ]);
}
