import type { LifeEvent } from "../../db/channel-life.ts";
import { paragraphs } from "../paragraphs.ts";
import type { Texts } from "./texts.ts";

const LOST: Readonly<Record<string, string>> = {
  private: "нет доступа: канал закрыт, удалён или вас из него исключили,",
  banned: "нет доступа: вас заблокировали в канале",
  invalid: "нет доступа: Telegram больше не знает такого канала",
  not_found: "нет доступа: Telegram его не находит",
  not_a_channel: "нет доступа: для Telegram это больше не канал",
};
const UNRESOLVED: Readonly<Record<string, string>> = {
  not_found: "канала с таким именем нет",
  not_a_channel: "это имя человека или бота, а не канала,",
  basic_group: "это обычная группа, она не читается, пока не станет супергруппой,",
  private: "канал есть, но закрыт для вашего аккаунта",
  banned: "канал есть, но ваш аккаунт в нём заблокирован",
  invalid: "Telegram отказывает",
};

function life(event: LifeEvent, when: (date: Date) => string): string {
  const since = `с ${when(event.since)}`;
  const again = (at: Date | null) =>
    at ? `, следующая проверка после ${when(at)}` : ", проверка при следующем чтении";
  switch (event.kind) {
    case "renamed":
      return `переименован ${since}, раньше «${event.from}»`;
    case "username_changed":
      return `теперь @${event.to} ${since}${event.from === null ? "" : `, раньше @${event.from}`}`;
    case "made_private":
      return `закрыт ${since}, раньше @${event.from}`;
    case "migrated":
      return `супергруппа ${since}, раньше обычная группа`;
    case "partly_lost":
      return `некоторые здесь не могут его читать ${since}, другие читают`;
    case "out_of_reach":
      return `никому здесь не доступен ${since}: удалён или закрыт`;
    case "deleted":
      return `удалён: Telegram его больше не знает ${since}`;
    case "access_lost":
      return `${LOST[event.reason] ?? LOST.invalid} ${since}${event.othersRead ? ", другие здесь его читают" : ""}${again(event.lookAgainAt)}`;
    case "name_lost":
      return event.holder
        ? `имя @${event.name} теперь у другого канала («${event.holder.title}») ${since}: читается тот же, что и раньше`
        : `больше не @${event.name} ${since}: читается по-прежнему`;
    case "not_resolved":
      return event.reason === "pending"
        ? "ещё не найден: будет при следующем чтении"
        : `${UNRESOLVED[event.reason] ?? UNRESOLVED.invalid} ${since}${again(event.lookAgainAt)}`;
  }
}

export const ru: Texts = {
  commands: {
    start: "что умеет этот бот",
    login: "войти по коду приглашения",
    subscription: "ваш тариф и следующее чтение",
    add_channel: "читать канал",
    channels: "каналы, которые читаются для вас",
    remove_channel: "больше не читать канал",
    parse: "прочитать каналы сейчас",
    auth: "использовать свой API ID",
    timezone: "часовой пояс",
    logout: "выйти и удалить сессию",
  },
  welcome: (commands) =>
    paragraphs(
      "Я читаю каналы Telegram, которые вы назовёте, с вашего аккаунта и вовремя. Я никуда не вступаю и ничего не отмечаю прочитанным.",
      "Чтобы начать, нужен код приглашения:\n/login КОД",
      commands,
    ),
  notUnderstood: "Я понимаю только команды. Список: /start",
  failed: "Что-то пошло не так на нашей стороне. Попробуйте через минуту.",
  adminsOnly: "Эта команда только для администраторов.",
  needInvite: "Вас здесь ещё не знают. Сначала войдите по коду приглашения:\n/login КОД",
  tooOften: (when) => `Слишком много попыток. Подождите до ${when}.`,

  refused: {
    unknown_user: "Вас здесь ещё не знают. Нужен код приглашения:\n/login КОД",
    unknown: "Такого кода приглашения нет. Код пишется точно так, как его дали, с учётом больших и малых букв.",
    revoked: "Это приглашение отозвано.",
    expired: "Срок этого приглашения истёк.",
    used_up: "Это приглашение уже использовано.",
  },
  loginReady: (minutes) =>
    paragraphs(
      `Откройте страницу кнопкой и отсканируйте код телефоном: Настройки → Устройства → Подключить устройство. Ссылка только ваша и действует ${minutes} мин.`,
      "Я никогда не спрашиваю код для входа в Telegram. Код, набранный в любом чате, Telegram сразу делает недействительным, а тот, кто его у вас просит, охотится за вашим аккаунтом.",
    ),
  loginButton: "Войти",
  loggedInAlready: "Вы уже вошли. Выйти: /logout",
  loginFailed: "Вход не удалось начать. Попробуйте через минуту.",
  codeWarning:
    "Если это был код для входа в Telegram, он уже недействителен: так Telegram поступает с каждым кодом, набранным в чате. Никому не отправляйте коды, мне тоже. Вход идёт только через страницу из /login.",
  loggedIn: (when) =>
    paragraphs(`Вы вошли: ${when}. С этого времени ваши каналы читаются.`, "Добавить канал: /add_channel @имя"),
  wrongAccount:
    "Код отсканировал другой аккаунт Telegram, не ваш. Он сразу был отключён, ничего от него не сохранено. Отсканируйте тем аккаунтом, с которого пишете мне: /login",
  loginExpired: "Вход не был завершён вовремя. Новая ссылка: /login",
  ended: (reason, when) => `Ваша сессия завершилась (${reason}, ${when}). Войдите снова: /login`,
  idleSoon:
    "Вашей сессией не пользовались уже несколько недель. Через три дня она будет завершена, а её ключ здесь удалён. Чтобы сохранить её, достаточно любого сообщения мне или чтения каналов: /subscription, /add_channel",
  idle: "Вашей сессией долго не пользовались: она завершена в Telegram, а её ключ здесь удалён. Войдите снова: /login",
  endings: {
    AUTH_KEY_UNREGISTERED: "её завершили в настройках Telegram",
    AUTH_KEY_INVALID: "Telegram больше не знает её ключа",
    AUTH_KEY_DUPLICATED: "она использовалась в двух местах сразу",
    SESSION_REVOKED: "её завершили в настройках Telegram",
    SESSION_EXPIRED: "её срок истёк",
    USER_DEACTIVATED: "аккаунт удалён",
    USER_DEACTIVATED_BAN: "Telegram заблокировал аккаунт",
  },

  plan: { premium: "премиум", trial: "пробный", free: "бесплатный" },
  subscription: ({ plan, until, next, session, paused, ownApiId, timeZone }) =>
    paragraphs(
      `Тариф: ${plan}${until ? `, до ${until}` : ""}`,
      paused
        ? "Чтение приостановлено."
        : session === "AUTHORIZED"
          ? `Следующее чтение: ${next ?? "скоро"}`
          : "Вы не вошли: /login",
      ownApiId === null ? null : `Вход идёт через ваш API ID ${ownApiId}`,
      `Время показано для ${timeZone}: /timezone`,
    ),

  authHow: paragraphs(
    "Получите свой API ID на my.telegram.org (API development tools) и пришлите оба значения одним сообщением:\n/auth 1234567 0123456789abcdef0123456789abcdef",
    "Сообщение я сразу удалю, а хеш сохраню зашифрованным. /auth off вернёт наш API ID.",
  ),
  authKept: (apiId) =>
    `Сохранено: следующий вход пойдёт через API ID ${apiId}. Уже открытая сессия остаётся с прежним.`,
  authOff: "Следующий вход снова пойдёт через наш API ID.",
  authMalformed: "API ID — это число, а его хеш — 32 знака 0–9 и a–f. Подробнее: /auth",
  messageDeleted: "Ваше сообщение я удалил: в нём был хеш.",
  messageNotDeleted: "Сообщение с хешем удалить не удалось: пожалуйста, удалите его сами.",

  addHow: "Какой канал?\n/add_channel @имя\nПодойдёт и ссылка вида t.me/имя, и id.",
  added: (name) => `${name}: читается со следующего чтения`,
  there: (name, life) => `${name}: уже читается${life ? ` (${life})` : ""}`,
  malformedChannel: (name) =>
    `${name}: это не имя канала. Подойдёт @имя, ссылка t.me или id; я никуда не вступаю, поэтому ссылки-приглашения не подходят.`,
  noChannels: "Для вас пока не читается ни один канал: /add_channel @имя",
  channels: (total, page, pages) => `Каналов: ${total}${pages > 1 ? `, страница ${page} из ${pages}` : ""}`,
  fine: "читается",
  life,
  removeWhich: "Какой больше не читать?",
  removed: (name) => `${name}: больше не читается`,
  notFollowed: (name) => `${name}: для вас не читается`,

  parseAsked: "Принято. Я напишу здесь, когда каналы будут прочитаны.",
  parseUnderWay: "Ваши каналы читаются прямо сейчас. Я напишу здесь, когда закончу.",
  parseDone: (when, added) => `Прочитано: ${when}, ${added === 0 ? "нового нет" : `новых: ${added}`}.`,
  parseFailed: (when) => `Чтение ${when} не удалось. Оно повторится само.`,
  parseWaits: (when) => `Telegram попросил ваш аккаунт подождать до ${when}. После этого каналы будут прочитаны.`,
  parseLate: "Ещё не прочитано: очередь. Это произойдёт само; когда — покажет /subscription.",
  parseTooSoon: (when) => `Ваши каналы только что прочитаны. Попросите снова после ${when}.`,
  notParsable: "Сейчас читать нечего: сначала войдите (/login).",
  paused: "Чтение для вас приостановлено.",

  logoutSure:
    "Выйти? Сессия будет завершена в Telegram и удалена здесь. До нового входа для вас ничего не будет читаться.",
  logoutYes: "Выйти",
  logoutNo: "Остаться",
  stayed: "Вы остались в системе.",
  loggingOut: "Выхожу…",
  loggedOut: "Вы вышли, сессия удалена.",
  logoutLate: "Выход идёт дольше обычного и завершится сам.",
  notLoggedIn: "Вы не вошли.",

  timeZoneHow: (now) => `Ваш часовой пояс: ${now}. Другой — по имени:\n/timezone Asia/Yekaterinburg`,
  timeZoneSet: (zone, time) => `Теперь время показывается для ${zone}. Там сейчас ${time}.`,
  timeZoneUnknown: "Такого часового пояса я не знаю. Имена такие: Europe/Moscow, Asia/Yekaterinburg, UTC.",

  resetDone: (id) => `${id}: вход завершён, каналы проверяются заново, чтение сейчас`,
  resetUnknown: (id) => `${id}: нет такого пользователя`,
};
