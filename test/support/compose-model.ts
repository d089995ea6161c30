import { z } from "zod";

/* Compose's model, as far as ours uses it, strict: what is misspelt is no part of it (docs.docker.com/reference/compose-file). */

const text = z.string();
const texts = z.array(text);
const duration = text.regex(/^(\d+(h|m|s|ms))+$/);
const limits = z.strictObject({ cpus: text, memory: text, pids: z.int() }).partial();

const service = z
  .strictObject({
    image: text,
    build: z.strictObject({ context: text }),
    command: texts,
    user: text,
    init: z.boolean(),
    environment: z.record(text, z.union([text, z.number(), z.boolean()])),
    env_file: z.array(z.strictObject({ path: text, required: z.boolean().optional() })),
    depends_on: z.record(
      text,
      z.strictObject({
        condition: z.enum(["service_started", "service_healthy", "service_completed_successfully"]),
        restart: z.boolean().optional(),
        required: z.boolean().optional(),
      }),
    ),
    volumes: texts,
    tmpfs: texts,
    shm_size: text,
    secrets: texts,
    networks: texts,
    ports: texts,
    profiles: texts,
    restart: z.string().regex(/^(no|always|unless-stopped|on-failure(:\d+)?)$/),
    read_only: z.boolean(),
    cap_add: texts,
    cap_drop: texts,
    security_opt: texts,
    stop_grace_period: duration,
    logging: z.strictObject({ driver: text, options: z.record(text, text) }),
    healthcheck: z
      .strictObject({
        ...{ test: texts, interval: duration, timeout: duration, start_period: duration },
        ...{ retries: z.int(), disable: z.boolean() },
      })
      .partial(),
    deploy: z.strictObject({ replicas: z.union([z.int(), text]), resources: z.strictObject({ limits }) }).partial(),
  })
  .partial();

const nothing = z.strictObject({}).nullable();
const ipam = z.strictObject({ config: z.array(z.strictObject({ subnet: text })) });
const network = z.strictObject({ internal: z.boolean(), ipam }).partial().nullable();

export const composeModel = z
  .object({
    name: text,
    services: z.record(text, service),
    networks: z.record(text, network),
    volumes: z.record(text, nothing),
    secrets: z.record(text, z.strictObject({ file: text })),
  })
  .catchall(z.unknown());
