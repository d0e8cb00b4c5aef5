// A thin client of everwire, which keeps many named outgoing WebSocket connections up.

export {
  type Cause,
  Causes,
  type EventType,
  EventTypes,
  type Fate,
  Fates,
  type Matched,
  type Problem,
  type ProblemFate,
  ProblemFates,
  type Reason,
  Reasons,
  type State,
  type Status,
  type Subscription,
  type SubscriptionState,
  type Why,
} from "./api.js";
export { type Answer, type Call, isFinal, type Payload, reaches, type Sent, type Wanted } from "./calls.js";
export { type Asking, Client, type ClientOptions, Connection, type Listing, type Sending, type Telling } from "./client.js";
export * from "./errors.js";
export { type ConnectionEvent, Events, payload } from "./events.js";
export { type Held, Session, type WebSocketClass, type WebSocketLike, type Wish } from "./session.js";
export type { Waiting } from "./waiting.js";
