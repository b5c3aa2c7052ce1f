/**
 * Edition features (https://protobuf.dev/editions/features/): defaults of each edition, and how they are inherited.
 *
 * proto2 and proto3 are editions here too; what their syntax says (required, packed, group) is read as the feature it stands for.
 */
import type { Features, FileDescriptor } from "./file-descriptor.ts";
import { SchemaError } from "./schema-error.ts";

export type ResolvedFeatures = Required<Features>;

export const fieldPresence = { explicit: 1, implicit: 2, legacyRequired: 3 } as const;
export const enumType = { open: 1, closed: 2 } as const;
export const repeatedFieldEncoding = { packed: 1, expanded: 2 } as const;
export const utf8Validation = { verify: 2, none: 3 } as const;
export const messageEncoding = { lengthPrefixed: 1, delimited: 2 } as const;

const editionProto2 = 998;
const editionProto3 = 999;
const edition2023 = 1000;
const edition2026 = 1002;

const proto2: ResolvedFeatures = { fieldPresence: 1, enumType: 2, repeatedFieldEncoding: 2, utf8Validation: 3, messageEncoding: 1 };
const proto3: ResolvedFeatures = { fieldPresence: 2, enumType: 1, repeatedFieldEncoding: 1, utf8Validation: 2, messageEncoding: 1 };
/** 2024 and 2026 add features of naming and visibility, none that changes a byte. */
const editions: ResolvedFeatures = { fieldPresence: 1, enumType: 1, repeatedFieldEncoding: 1, utf8Validation: 2, messageEncoding: 1 };

/** The edition of a file as `google.protobuf.Edition`. @throws SchemaError for one that came after this program. */
function editionOf(file: FileDescriptor): number {
  switch (file.syntax) {
    case "":
    case "proto2":
      return editionProto2;
    case "proto3":
      return editionProto3;
    case "editions":
      if (file.edition >= edition2023 && file.edition <= edition2026) return file.edition;
      throw new SchemaError(`${file.name} uses edition ${editionName(file.edition)}, which is not supported: 2023, 2024 and 2026 are`);
    default:
      throw new SchemaError(`${file.name} uses syntax "${file.syntax}", which is not supported: proto2, proto3 and editions are`);
  }
}

function editionName(edition: number): string {
  return edition >= edition2023 && edition < 2000 ? String(2023 + edition - edition2023) : String(edition);
}

/** The features a file starts from. */
export function fileFeatures(file: FileDescriptor): ResolvedFeatures {
  const edition = editionOf(file);
  return inherit(edition === editionProto2 ? proto2 : edition === editionProto3 ? proto3 : editions, file.options.features);
}

export function inherit(parent: ResolvedFeatures, own: Features | undefined): ResolvedFeatures {
  return own === undefined ? parent : { ...parent, ...own };
}
