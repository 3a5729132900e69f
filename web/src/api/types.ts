/** Names for the shapes of the hub's API. `schema.gen.ts` is generated: `npm run types`. */
import type { components } from "./schema.gen";

type Schemas = components["schemas"];

export type Session = Schemas["SessionOut"];
export type SessionState = Session["state"];
export type NewSession = Schemas["NewSession"];
export type Prompt = Schemas["PromptOut"];
export type Retry = Schemas["Retry"];
export type System = Schemas["SystemStatus"];
export type ImageStatus = Schemas["ImageStatus"];
export type Models = Schemas["Models"];
export type Model = Schemas["ModelOut"];
export type Provider = Schemas["ProviderOut"];
export type Repositories = Schemas["RepositoriesOut"];
export type Repository = Schemas["RepositoryOut"];
export type Forge = Schemas["ForgeOut"];
export type Topic = Schemas["TopicOut"];
export type Branches = Schemas["Branches"];
export type Changes = Schemas["ChangesOut"];
export type ChangedFile = Schemas["ChangedFile"];
export type Me = Schemas["Me"];
export type LinkedAccount = Schemas["IdentityOut"];
export type Person = Schemas["PersonOut"];
export type PersonPatch = Schemas["PersonPatch"];
/** What somebody is in the installation. */
export type Role = Me["role"];
export type Invite = Schemas["InviteOut"];
export type NewInvite = Schemas["InviteIn"];
export type Browser = Schemas["BrowserOut"];
export type Token = Schemas["TokenOut"];
export type NewToken = Schemas["TokenIn"];
/** What a token may be made for. */
export type Scope = Token["scopes"][number];
export type Grant = Schemas["GrantOut"];
/** What GitHub is to this installation. */
export type GitHubState = Schemas["GitHubAppOut"];
export type RegisteredApp = Schemas["RegisteredApp"];
export type GitHubSetup = Schemas["SetupIn"];
export type RepositorySettings = Schemas["RepositorySettingsOut"];
export type RepositorySettingsIn = Schemas["RepositorySettingsIn"];
export type SessionSettings = Schemas["SessionSettingsOut"];
export type SettingSource = SessionSettings["model_source"];
export type Participant = Schemas["ParticipantOut"];
/** What somebody is in a session. */
export type SessionRole = Participant["role"];
export type Visibility = Session["visibility"];
export type ShareLink = Schemas["ShareLinkOut"];
export type NewShareLink = Schemas["ShareLinkIn"];
export type OfferedProvider = Schemas["OfferedProvider"];
export type ProblemDetails = Schemas["ProblemDetails"];
export type Permissions = NonNullable<NewSession["permissions"]>;

export type EventPage = Schemas["EventPage"];
export type Opening = Schemas["OpeningOut"];
export type LogItems = Schemas["LogItems"];
export type Presence = Schemas["PresenceOut"];
export type Present = Schemas["PresentOut"];
export type LogEvent = Schemas["Event"];
export type EventOf<T extends LogEvent["type"]> = Extract<LogEvent, { type: T }>;
export type StageEvent = EventOf<"stage">;
export type PlanEntry = Schemas["PlanEntry"];
export type Question = Schemas["Question"];
export type Attachment = Schemas["Attachment"];
export type Upload = Schemas["UploadOut"];
export type PromptPatch = Schemas["PromptPatch"];
export type When = EventOf<"prompt_queued">["when"];
export type Picture = Schemas["Picture"];
export type WholeOutput = Schemas["WholeOutput"];
export type Port = Schemas["Port"];
export type Services = Schemas["ServicesOut"];
export type Terminal = Schemas["Terminal"];
/** Where something of the sandbox is to be seen. */
export type AppView = Schemas["ViewOut"];
export type DriveCommand = Schemas["DriveCommand"];
export type PullRequest = Schemas["PullRequestOut"];
export type PullRequestEvent = EventOf<
  | "pull_request_changed"
  | "pull_request_reviewed"
  | "pull_request_commented"
  | "pull_request_checked"
>;
export type ServiceName = EventOf<"service_changed">["name"];
export type ServiceState = EventOf<"service_changed">["state"];
