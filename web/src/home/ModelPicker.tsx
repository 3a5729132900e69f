import { Cpu } from "lucide-react";
import type { Model, Models } from "@/api/types";
import { modelName } from "@/shell/names";
import { Chip } from "@/ui/Chip";
import { Combo } from "@/ui/Combo";
import { Coded } from "@/ui/Problem";

/** A script is never to be taken for a model that thinks. */
function shownName({ name, scripted }: Model): string {
  return scripted && !/script/i.test(name) ? `${name} (scripted)` : name;
}

const DEFAULT = "default";

/** The models that can be chosen, any other that a provider takes, and how to switch providers on. */
export function ModelPicker({
  value,
  onChange,
  models,
  testId,
  byDefault,
}: {
  value: string;
  onChange: (model: string) => void;
  models: Models | undefined;
  testId: string;
  /** What there is where none is chosen, and the way back to that. */
  byDefault?: { hint: string; isSo: boolean; choose: () => void };
}) {
  const items = models?.items ?? [];
  const providers = models?.providers ?? [];
  const off = providers.filter((provider) => !provider.enabled);
  const on = new Set(
    providers.filter((provider) => provider.enabled).map((provider) => provider.id),
  );
  const chosen = items.find((model) => model.id === value);
  const choices = items.map((model) => ({
    value: model.id,
    label: shownName(model),
    words: [model.name],
    group: providers.find((provider) => provider.id === model.provider)?.name ?? model.provider,
    ...(model.scripted ? { hint: "A script, no intelligence: shows how a session works" } : {}),
  }));
  return (
    <Combo
      placeholder="Model, or provider/model"
      value={byDefault?.isSo ? DEFAULT : value}
      choices={
        byDefault
          ? [{ value: DEFAULT, label: "Default", hint: byDefault.hint }, ...choices]
          : choices
      }
      onChoose={(model) => {
        if (byDefault && model === DEFAULT) byDefault.choose();
        else onChange(model);
      }}
      own={(typed) =>
        on.has(typed.split("/")[0] ?? "") && typed.includes("/") ? (
          <>
            Use <code>{typed}</code>
          </>
        ) : null
      }
      empty="No such model. Any model of a provider that is on can be typed as provider/model."
      footer={
        off.length > 0 && (
          <div className="border-t px-3 py-2.5 text-12 text-ink-3">
            <p className="pb-1">Off:</p>
            <ul className="space-y-1">
              {off.map((provider) => (
                <li key={provider.id}>
                  <span className="text-ink-2">{provider.name}.</span> <Coded text={provider.how} />
                </li>
              ))}
            </ul>
          </div>
        )
      }
      trigger={
        <Chip
          icon={<Cpu size={14} />}
          label={`Model: ${value}`}
          title={value}
          data-testid={testId}
          data-value={value}
        >
          {chosen ? shownName(chosen) : modelName(value)}
        </Chip>
      }
    />
  );
}
