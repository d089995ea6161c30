// First, and whole: GramJS's modules import each other in circles, and only this way in works.
import { Api } from "telegram";
import { LAYER } from "telegram/tl/AllTLObjects.js";

/** What Telegram shows its user in the list of devices. The same on every machine: a session does not change its face. */
const DEVICE = { deviceModel: "gramfleet", systemVersion: "server", appVersion: "1.0" } as const;

/** A connection's first request, with what Telegram wants to know of who connects (core.telegram.org/api/invoking). */
export function initConnection(apiId: number, first: Api.AnyRequest): Api.InvokeWithLayer {
  return new Api.InvokeWithLayer({
    layer: LAYER,
    query: new Api.InitConnection({
      apiId,
      ...DEVICE,
      systemLangCode: "en",
      langPack: "",
      langCode: "en",
      query: withoutUpdates(first),
    }),
  });
}

/** Asks Telegram to push no updates for this call: what changed is asked for, never listened to. */
export function withoutUpdates(query: Api.AnyRequest): Api.InvokeWithoutUpdates {
  return new Api.InvokeWithoutUpdates({ query });
}
