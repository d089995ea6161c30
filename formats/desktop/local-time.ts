/**
 * How moments read on the wall in `timeZone` (an IANA name), in Desktop's form: `2023-07-18T00:23:39`.
 *
 * @throws RangeError where there is no such time zone
 */
export function localTimeIn(timeZone: string): (date: Date) => string {
  if (timeZone === "UTC") return (date) => date.toISOString().slice(0, 19);
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone,
    calendar: "iso8601",
    numberingSystem: "latn",
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
  return (date) => {
    const part = Object.fromEntries(format.formatToParts(date).map(({ type, value }) => [type, value]));
    return `${part.year}-${part.month}-${part.day}T${part.hour}:${part.minute}:${part.second}`;
  };
}
