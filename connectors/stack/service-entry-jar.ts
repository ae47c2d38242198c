import { crc32 } from 'node:zlib';

/**
 * The bytes of a jar that holds one file, stored without compression. Connect finds converters through ServiceLoader
 * (`plugin.discovery=service_load`), and Apicurio's jar lacks the entry that names its own.
 */
export const serviceEntryJar = (service: string, implementation: string): Buffer => {
  const name = Buffer.from(`META-INF/services/${service}`);
  const content = Buffer.from(`${implementation}\n`);
  const shared = Buffer.alloc(26);
  shared.writeUInt16LE(10, 0); // needs version 1.0
  shared.writeUInt32LE(0x00210000, 6); // 1 January 1980: the same bytes on every machine
  shared.writeUInt32LE(crc32(content), 10);
  shared.writeUInt32LE(content.length, 14);
  shared.writeUInt32LE(content.length, 18);
  shared.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), shared, name, content]);

  const attributes = Buffer.alloc(14); // no comment, first disk, starts at byte 0
  const central = Buffer.concat([Buffer.from('PK\x01\x02\x0a\x00', 'latin1'), shared, attributes, name]);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(1, 4);
  end.writeUInt16LE(1, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(local.length, 12);
  return Buffer.concat([local, central, Buffer.from('PK\x05\x06', 'latin1'), end]);
};
