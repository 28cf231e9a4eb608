import { SeverityNumber } from '@opentelemetry/api-logs';
import { ExportResultCode, millisToHrTime } from '@opentelemetry/core';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import { VERSION } from '../../../shared/version.ts';
import { EXPORT_TIMEOUT_MS, resourceOf, urlOf, type Collector } from '../../platform/telemetry/collector.ts';
import type { Sink } from './targets.ts';

/**
 * Each document as the body of a log record. The exporter is used without the SDK's batching, which drops what a collector
 * does not take: here that is sent again.
 */
export function logSink(collector: Collector): Sink {
  const exporter = new OTLPLogExporter({ url: urlOf(collector, 'logs'), timeoutMillis: EXPORT_TIMEOUT_MS });
  const resource = resourceOf(collector);
  return {
    send: (documents) =>
      new Promise((resolve, reject) => {
        const records = documents.map(({ at, text, record }): ReadableLogRecord => ({
          hrTime: millisToHrTime(at),
          hrTimeObserved: millisToHrTime(at),
          severityNumber: SeverityNumber[record?.severity ?? 'INFO'],
          severityText: record?.severity ?? 'INFO',
          body: text,
          eventName: record?.name ?? 'kubeblame.commit',
          resource,
          instrumentationScope: { name: 'kubeblame', version: VERSION },
          attributes: record?.attributes ?? {},
          droppedAttributesCount: 0,
        }));
        exporter.export(records, ({ code, error }) => {
          if (code === ExportResultCode.SUCCESS) resolve();
          else reject(error ?? new Error('the collector did not take it'));
        });
      }),
    close: () => exporter.shutdown(),
  };
}
