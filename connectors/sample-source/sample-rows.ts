/** The tables of the sample source, as in schema.sql. */
export const SAMPLE_TABLES = ['articles', 'products', 'incidents'] as const;
export type SampleTable = (typeof SAMPLE_TABLES)[number];

export type ArticleRow = {
  readonly table: 'articles';
  readonly id: number;
  readonly tenant: string;
  readonly title: string;
  readonly category: string;
  readonly body: string;
  /** Null for an article about a place or a tariff. */
  readonly productId: number | null;
  readonly views: number;
  readonly updatedAt: Date;
};

export type ProductRow = {
  readonly table: 'products';
  readonly id: number;
  readonly tenant: string;
  readonly name: string;
  readonly summary: string;
  /** A decimal with two places, as text, so that no cent is lost. */
  readonly price: string;
  readonly updatedAt: Date;
};

export const INCIDENT_STATUSES = ['investigating', 'identified', 'monitoring', 'resolved'] as const;
export type IncidentStatus = (typeof INCIDENT_STATUSES)[number];

export type IncidentRow = {
  readonly table: 'incidents';
  readonly id: number;
  readonly tenant: string;
  readonly title: string;
  readonly status: IncidentStatus;
  readonly severity: 'minor' | 'major' | 'critical';
  readonly description: string;
  readonly updatedAt: Date;
  readonly resolvedAt: Date | null;
};

export type SampleRow = ArticleRow | ProductRow | IncidentRow;
