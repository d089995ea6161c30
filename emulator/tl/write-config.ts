import { TlWriter } from "./primitives.ts";

export interface DcOption {
  readonly id: number;
  readonly host: string;
  readonly port: number;
}

/** Seconds for which a client may keep the configuration. */
const EXPIRES_AFTER = 3600;

/** `config`: where the data centers are; every other number is what Telegram told its clients at this layer. */
export function encodeConfig(config: { date: number; thisDc: number; dataCenters: readonly DcOption[] }): Buffer {
  const writer = new TlWriter(512).int(0xcc1a241e).int(0);
  writer
    .int(config.date)
    .int(config.date + EXPIRES_AFTER)
    .bool(true)
    .int(config.thisDc);
  writer.vector(config.dataCenters, ({ id, host, port }) => {
    writer
      .int(0x18b7a10d)
      .int(host.includes(":") ? 1 << 0 : 0)
      .int(id)
      .bytes(host)
      .int(port);
  });
  writer.bytes("");
  // chat_size_max, megagroup_size_max, forwarded_count_max
  writer.int(200).int(200_000).int(100);
  // online_update_period_ms, offline_blur_timeout_ms, offline_idle_timeout_ms, online_cloud_timeout_ms
  writer.int(210_000).int(5_000).int(30_000).int(300_000);
  // notify_cloud_delay_ms, notify_default_delay_ms, push_chat_period_ms, push_chat_limit
  writer.int(30_000).int(1_500).int(60_000).int(2);
  // edit_time_limit, revoke_time_limit, revoke_pm_time_limit, rating_e_decay
  writer.int(172_800).int(0x7fffffff).int(0x7fffffff).int(2_419_200);
  // stickers_recent_limit, channels_read_media_period
  writer.int(200).int(604_800);
  // call_receive_timeout_ms, call_ring_timeout_ms, call_connect_timeout_ms, call_packet_timeout_ms
  writer.int(20_000).int(90_000).int(30_000).int(10_000);
  writer.bytes("https://t.me/");
  // caption_length_max, message_length_max, webfile_dc_id
  return writer.int(1_024).int(4_096).int(4).finish();
}

/** `nearestDc`: the one that was asked. */
export function encodeNearestDc(thisDc: number): Buffer {
  return new TlWriter(24).int(0x8e1a1775).bytes("NL").int(thisDc).int(thisDc).finish();
}

/** `help.appConfig` with nothing in it. */
export function encodeAppConfig(): Buffer {
  return new TlWriter(24)
    .int(0xdd18782e)
    .int(0)
    .int(0x99c1d49d)
    .vector([], () => {})
    .finish();
}

/** A boxed `Bool`. */
export function encodeBool(value: boolean): Buffer {
  return new TlWriter(4).bool(value).finish();
}
