import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * First response latency with Kafka Streams: a processor and an in-memory store with a changelog.
 *
 * <p>{@code java -cp ... FirstResponse SERVERS TOPIC GROUP TOTAL FOLDER}, until it is ended. One stream
 * thread, everything else as Kafka Streams has it by default. It prints the same lines as the
 * Python peers, see tally.py.
 */
public final class FirstResponse {
  private static final Map<String, Duration> BANDS = new LinkedHashMap<>();

  static {
    BANDS.put("10m", Duration.ofMinutes(10));
    BANDS.put("1h", Duration.ofHours(1));
    BANDS.put("8h", Duration.ofHours(8));
    BANDS.put("24h", Duration.ofHours(24));
  }

  /** An event, with the members that the task needs. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Event(String type, String time, String channel, String actor) {}

  /** The state of a contact. */
  public record Contact(
      @JsonProperty("opened") String opened,
      @JsonProperty("channel") String channel,
      @JsonProperty("greeted") boolean greeted,
      @JsonProperty("answered") boolean answered) {}

  /** Folds the events into the store. */
  static final class Measure implements Processor<String, Event, Void, Void> {
    private final Tally tally;
    private KeyValueStore<String, Contact> contacts;

    Measure(Tally tally) {
      this.tally = tally;
    }

    @Override
    public void init(ProcessorContext<Void, Void> context) {
      contacts = context.getStateStore("contacts");
    }

    @Override
    public void process(Record<String, Event> record) {
      String id = record.key();
      Event event = record.value();
      Contact contact = contacts.get(id);
      switch (event.type()) {
        case "contact.opened" -> {
          if (contact == null) {
            contacts.put(id, new Contact(event.time(), event.channel(), false, false));
          }
        }
        case "contact.responded" -> {
          if (contact != null) {
            contacts.put(id, responded(contact, event));
          }
        }
        case "contact.closed" -> {
          if (contact != null) {
            contacts.delete(id);
          }
        }
        default -> {}
      }
      tally.passed();
    }

    private Contact responded(Contact contact, Event event) {
      if (event.actor().equals("agent") && !contact.answered()) {
        tally.answered(contact.channel(), contact.opened(), event.time());
        return new Contact(contact.opened(), contact.channel(), contact.greeted(), true);
      }
      return new Contact(contact.opened(), contact.channel(), true, contact.answered());
    }
  }

  /** Counts; used by one thread alone. */
  static final class Tally {
    private final Map<String, Map<String, Long>> counts = new TreeMap<>();
    private final OperatingSystemMXBean system =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private final long total;
    private long events;

    Tally(long total) {
      this.total = total;
    }

    void answered(String channel, String opened, String at) {
      Duration taken = Duration.between(Instant.parse(opened), Instant.parse(at));
      Map<String, Long> own = counts.computeIfAbsent(channel, name -> new TreeMap<>());
      own.merge("answered", 1L, Long::sum);
      BANDS.forEach(
          (band, limit) -> own.merge(band, taken.compareTo(limit) <= 0 ? 1L : 0L, Long::sum));
    }

    void passed() {
      events++;
      if (events % 1000 == 0 || events >= total) {
        double now = System.nanoTime() / 1e9;
        double cpu = system.getProcessCpuTime() / 1e9;
        System.out.printf(Locale.ROOT, "progress %d %.6f %.6f%n", events, now, cpu);
      }
      if (events == total) {
        try {
          System.out.println("outcomes " + new ObjectMapper().writeValueAsString(counts));
        } catch (IOException error) {
          throw new UncheckedIOException(error);
        }
      }
    }
  }

  private static <T> Serde<T> json(Class<T> type) {
    ObjectMapper mapper = new ObjectMapper();
    var reader = mapper.readerFor(type);
    var writer = mapper.writerFor(type);
    return Serdes.serdeFrom(
        (topic, value) -> {
          try {
            return value == null ? null : writer.writeValueAsBytes(value);
          } catch (IOException error) {
            throw new UncheckedIOException(error);
          }
        },
        (topic, bytes) -> {
          try {
            return bytes == null ? null : reader.<T>readValue(bytes);
          } catch (IOException error) {
            throw new UncheckedIOException(error);
          }
        });
  }

  public static void main(String[] arguments) {
    Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, arguments[2]);
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
    settings.put(StreamsConfig.STATE_DIR_CONFIG, arguments[4]);
    settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    Tally tally = new Tally(Long.parseLong(arguments[3]));
    StreamsBuilder builder = new StreamsBuilder();
    builder.addStateStore(
        Stores.keyValueStoreBuilder(
            Stores.inMemoryKeyValueStore("contacts"), Serdes.String(), json(Contact.class)));
    builder.stream(arguments[1], Consumed.with(Serdes.String(), json(Event.class)))
        .process(() -> new Measure(tally), "contacts");
    KafkaStreams streams = new KafkaStreams(builder.build(), settings);
    Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
    streams.start();
  }
}
