import type { Definer } from "./define.ts";
import { LOOPS, PLANS } from "./labels.ts";

/** Whether everybody is parsed on time. */
export const scheduleMetrics = (define: Definer) => ({
  scheduleLag: define.histogram({
    name: "schedule_lag_seconds",
    help: "From next_parse_at to the commit of the run, by plan.",
    labels: { plan: PLANS },
    buckets: [0.5, 1, 2, 5, 10, 30, 60, 300, 900],
    in: ["worker"],
    look: "The promise itself: is everyone parsed on time?",
  }),
  usersDue: define.gauge({
    name: "users_due",
    help: "Users whose parse is due and not yet claimed.",
    in: ["scheduler"],
    look: "A due scan that does not keep up, or does not run.",
  }),
  usersInFlight: define.gauge({
    name: "users_in_flight",
    help: "Users whose parse is in a queue or under way.",
    in: ["scheduler"],
    look: "With users_due: where the users are that are late.",
  }),
  usersOverdue: define.gauge({
    name: "users_overdue",
    help: "Users whose parse has been due for half a minute and longer and is not done, whatever for.",
    in: ["scheduler"],
    look: "How many people are served late, now.",
  }),
  usersScheduled: define.gauge({
    name: "users_scheduled",
    help: "Users who can be parsed: with a session that is AUTHORIZED and not held, and not paused.",
    in: ["scheduler"],
    look: "What users_overdue is a part of.",
  }),
  dueScanned: define.counter({
    name: "users_enqueued_total",
    help: "Users enqueued by the due scan.",
    in: ["scheduler"],
    look: "How many parses a second the fleet is asked for.",
  }),
  lastScan: define.gauge({
    name: "scheduler_last_scan_timestamp_seconds",
    help: "When this scheduler last completed a due scan. No sample before its first.",
    in: ["scheduler"],
    look: "A scheduler that is gone, or cannot reach PostgreSQL or Redis: nobody is parsed any more.",
    unset: true,
  }),
  schedulerFailures: define.counter({
    name: "scheduler_failures_total",
    help: "Turns of the scheduler's loops that failed; each is tried again.",
    labels: { loop: LOOPS },
    in: ["scheduler"],
    look: "What of the scheduler's work does not get done; its log says why.",
  }),
});
