import { expect, test } from 'vitest';
import { fillTemplate, sourceNames } from '../../../connectors/debezium/connector-config.ts';
import { postgresConnectorConfig } from '../../../connectors/sources/postgres/connector-config.ts';

const options = {
  source: 'help-centre',
  url: 'postgres://some%40one:p%2Fw@127.0.0.1:5433/shop',
  tables: ['public.articles', 'odd.na+me'],
  epoch: 3,
  schemaRegistry: 'http://127.0.0.1:8081/',
};

test('parameters reach their places', () => {
  const config = postgresConnectorConfig(options);
  expect(config).toMatchObject({
    'database.user': 'some@one',
    'database.password': 'p/w',
    'database.port': '5433',
    'database.dbname': 'shop',
    'table.include.list': 'public\\.articles,odd\\.na\\+me,freshet\\.probe_help_centre',
    'slot.name': 'freshet_help_centre',
    'transforms.route.replacement': 'cdc.help-centre',
    'transforms.epoch.value.literal': '3',
    'value.converter.apicurio.registry.url': 'http://127.0.0.1:8081/apis/registry/v2',
    'poll.interval.ms': '8',
    'max.batch.size': '1',
  });
  expect(Object.values(config).join(' ')).not.toContain('${');
});

test('names of a source fit Postgres', () => {
  expect(sourceNames('a-b').slot).toMatch(/^[a-z0-9_]+$/);
});

test.each(['mysql://u:p@h:1/d', 'postgres://h', 'nonsense'])('%s is refused, without showing it', (url) => {
  expect(() => postgresConnectorConfig({ ...options, url })).toThrow(
    expect.objectContaining({ code: 'config-invalid', message: expect.not.stringContaining(url) }),
  );
});

test('a template and its parameters must fit exactly', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the template's own syntax
  expect(fillTemplate({ a: '${x}-${x}' }, { x: '1' })).toEqual({ a: '1-1' });
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the template's own syntax
  expect(() => fillTemplate({ a: '${y}' }, { x: '1' })).toThrow(RangeError);
  expect(() => fillTemplate({ a: 'b' }, { x: '1' })).toThrow(RangeError);
});
