/**
 * What generated code may call, by the names it uses.
 */
import { printBase64, readBase64 } from "./base64.ts";
import { copyString, readBool, skipNull, skipSpace, skipUnknown } from "./json-text.ts";
import { bareInteger32, readDouble, readFloat, readInteger32, readInteger64 } from "./json-number.ts";
import { noteKey, sameKeys } from "./keys.ts";
import {
  printDouble,
  printFloat,
  printInt32,
  printInt64,
  printSafeInt64,
  printSafeSint64,
  printSafeUint64,
  printSint64,
  printUint32,
  printUint64,
} from "./print-number.ts";
import { printLenientString, printString } from "./print-text.ts";
import { giveUp } from "./refusal.ts";
import { grow, reg } from "./registers.ts";
import { endOfGroup, readLength, readTag, readVarint, skipField } from "./wire-read.ts";
import {
  closeLength,
  sizeOfLength,
  writeFixed32,
  writeFixed64,
  writeInt32,
  writeSint32,
  writeSint64,
  writeUint32,
  writeUint64,
} from "./wire-write.ts";

export const readerPrimitives = {
  reg,
  giveUp,
  skipSpace,
  skipNull,
  skipUnknown,
  copyString,
  readBool,
  readBase64,
  readInteger32,
  bareInteger32,
  readInteger64,
  readDouble,
  readFloat,
  noteKey,
  sameKeys,
  closeLength,
  sizeOfLength,
  writeInt32,
  writeUint32,
  writeUint64,
  writeSint32,
  writeSint64,
  writeFixed32,
  writeFixed64,
};

export const printerPrimitives = {
  reg,
  grow,
  giveUp,
  readTag,
  readVarint,
  readLength,
  skipField,
  endOfGroup,
  noteKey,
  sameKeys,
  printString,
  printLenientString,
  printBase64,
  printDouble,
  printFloat,
  printInt32,
  printUint32,
  printInt64,
  printUint64,
  printSint64,
  printSafeInt64,
  printSafeUint64,
  printSafeSint64,
};
