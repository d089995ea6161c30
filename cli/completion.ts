// biome-ignore-all lint/suspicious/noTemplateCurlyInString: a shell's variables look like that.
import { Argument, Command } from "commander";
import type { CommandEntry } from "./command-entry.ts";
import { bashScript } from "./completion/bash.ts";
import { fishScript } from "./completion/fish.ts";
import { completed } from "./completion/model.ts";
import { zshScript } from "./completion/zsh.ts";
import { wholeProgram } from "./whole-program.ts";

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

/** Where each shell looks for it by itself. */
const PLACES: Readonly<Record<keyof typeof SCRIPTS, string>> = {
  bash: "gramfleet completion bash > ~/.local/share/bash-completion/completions/gramfleet",
  zsh: 'gramfleet completion zsh > "${fpath[1]}/_gramfleet"',
  fish: "gramfleet completion fish > ~/.config/fish/completions/gramfleet.fish",
};

export function completionCommand(commands: Readonly<Record<string, CommandEntry>>): Command {
  return new Command("completion")
    .addArgument(new Argument("<shell>", "whose").choices(Object.keys(SCRIPTS)))
    .addHelpText(
      "after",
      `\nWhere they belong:\n${Object.values(PLACES)
        .map((line) => `  ${line}`)
        .join("\n")}`,
    )
    .action(async (shell: keyof typeof SCRIPTS) => {
      process.stdout.write(SCRIPTS[shell](completed(await wholeProgram(commands))));
    });
}
