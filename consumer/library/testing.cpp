#include "drainpipe/testing.hpp"

#include <algorithm>
#include <atomic>
#include <functional>
#include <set>
#include <stdexcept>
#include <utility>

#include "consumer.hpp"
#include "descriptor.hpp"
#include "handler_work.hpp"
#include "intake_body.hpp"
#include "ring_writer.hpp"
#include "status_of.hpp"
#include "token_work.hpp"

namespace drainpipe::testing {
namespace {

constexpr const char* kName = "testing";
constexpr const char* kNoDirectory = "/dev/null";  // no log can be there

// Ends the consumer where it stands, as SIGKILL does: nothing on the way catches it.
struct Killed {};

const Options& checked(const Options& options) {
    if (std::min({std::uint64_t{options.window}, options.max_demand, options.capacity,
                  options.buffer_bytes}) == 0) {
        throw std::invalid_argument(
            "window, max_demand, capacity and buffer_bytes of a pipeline are 1 at least");
    }
    return options;
}

Settings settings_of(const Options& options) {
    Settings settings{};
    settings.max_demand = options.max_demand;
    settings.min_demand = options.max_demand / 2;
    settings.log_events_per_second = 0;
    settings.dispatch = options.partition_by > 0 ? Dispatch::partition : Dispatch::demand;
    settings.consumers = 1;
    settings.partition_by = options.partition_by;
    settings.partition_delimiter = options.partition_delimiter;
    settings.socket_group = -1;
    settings.work = WorkKind::stage;
    settings.source = SourceKind::stage;
    settings.jobs = settings.batch = 1;
    settings.window = options.window;
    settings.retries = options.retries;
    return settings;
}

}  // namespace

// What the test wants to happen when the handler is called with an event: as often as its id is
// there.
struct Plan {
    using Ids = std::multiset<std::uint64_t>;

    Ids kill_before;
    Ids kill_after;
    Ids stop_at;

    // Whether the id was there; once less now.
    static bool take(Ids& ids, std::uint64_t id) {
        const auto found = ids.find(id);
        if (found == ids.end()) {
            return false;
        }
        ids.erase(found);
        return true;
    }
};

// Calls the handler by the work that consume() has, notes what comes of it, and does what is
// planned.
class WatchedWork final : public Work {
  public:
    WatchedWork(Work& work, std::vector<Call>& calls, Plan& plan, std::function<void()> stop)
        : work_(work), calls_(calls), plan_(plan), stop_(std::move(stop)) {}

    Ends ends() const override { return work_.ends(); }
    std::size_t room() const override { return work_.room(); }
    int wait_fd() const override { return work_.wait_fd(); }
    void begin_stop() override { work_.begin_stop(); }

    std::size_t most_in_batch() const override { return work_.most_in_batch(); }
    Outcome handle(Batch events) override {
        for (const Event& event : events) {
            kill_or_stop(event.id());
        }
        for (const Event& event : events) {
            note_call(event);
        }
        const std::size_t first = calls_.size() - events.size();
        Outcome outcome = work_.handle(events);
        for (const Event& event : events) {
            end(event.id());
        }
        for (std::size_t call = first; call < calls_.size(); ++call) {
            calls_[call].outcome = outcome;
        }
        return outcome;
    }

    std::size_t start(std::span<const Event> events) override {
        for (const Event& event : events) {
            kill_or_stop(event.id());
            note_call(event);
            work_.start({&event, 1});
            end(event.id());
        }
        return events.size();
    }

    void advance(Outcomes& outcomes) override {
        Noted noted(outcomes, calls_);
        work_.advance(noted);
    }

  private:
    // Passes on what is told, and notes it.
    class Noted final : public Outcomes {
      public:
        Noted(Outcomes& outcomes, std::vector<Call>& calls) : outcomes_(outcomes), calls_(calls) {}

        void worked(Clock::duration each, std::uint64_t events) override {
            outcomes_.worked(each, events);
        }
        void done(std::uint64_t id, std::optional<Clock::duration> took) override {
            note(id, drainpipe::done());
            outcomes_.done(id, took);
        }
        void failed(std::uint64_t id, std::string_view reason, std::string_view errors) override {
            note(id, retry(std::string(reason)));
            outcomes_.failed(id, reason, errors);
        }
        void dead(std::uint64_t id, std::string_view reason, std::string_view errors) override {
            note(id, drainpipe::dead(std::string(reason)));
            outcomes_.dead(id, reason, errors);
        }

      private:
        void note(std::uint64_t id, Outcome outcome) {
            const auto call = std::find_if(calls_.rbegin(), calls_.rend(),
                                           [id](const Call& each) { return each.id == id; });
            call->outcome = std::move(outcome);
        }

        Outcomes& outcomes_;
        std::vector<Call>& calls_;
    };

    void kill_or_stop(std::uint64_t id) {
        if (Plan::take(plan_.kill_before, id)) {
            throw Killed();
        }
        if (Plan::take(plan_.stop_at, id)) {
            stop_();
        }
    }
    void note_call(const Event& event) {
        calls_.push_back({event.id(), event.attempt(), std::string(event.payload()), {}});
    }
    void end(std::uint64_t id) {
        if (Plan::take(plan_.kill_after, id)) {
            throw Killed();
        }
    }

    Work& work_;
    std::vector<Call>& calls_;
    Plan& plan_;
    std::function<void()> stop_;
};

// Dead letters that stay in memory.
class KeptLetters final : public DeadLetters {
  public:
    bool try_append(std::span<const drainpipe::DeadLetter> letters) const override {
        for (const drainpipe::DeadLetter& letter : letters) {
            kept_.push_back({letter.id, letter.attempts, letter.reason, letter.payload});
        }
        return true;
    }
    std::set<std::uint64_t> ids_of(std::string_view /*run*/) const override {
        std::set<std::uint64_t> ids;
        for (const DeadLetter& letter : kept_) {
            ids.insert(letter.id);
        }
        return ids;
    }
    const std::vector<DeadLetter>& all() const { return kept_; }

  private:
    mutable std::vector<DeadLetter> kept_;
};

// Output that stays in memory.
class KeptOutput final : public LineOutput {
  public:
    void write(std::string_view lines) override { text_.append(lines); }
    std::string_view text() const { return text_; }

  private:
    std::string text_;
};

class Pipeline::Body final : private Consumer::Host, private Source::Acceptor {
  public:
    using MakeWork = std::function<std::unique_ptr<Work>(LineOutput&)>;

    Body(MakeWork make_work, const Options& options)
        : segment_(Segment::make_private(
              Geometry::of(options.capacity, options.buffer_bytes, kTypedAlignment))),
          make_work_(std::move(make_work)),
          log_(kNoDirectory, "consumer", LogSink::File::may_be_missing),
          wake_(make_event_descriptor()) {
        segment_.begin_run(settings_of(options));
        writer_.emplace(segment_);
        Source::Acceptor& acceptor = *this;
        intake_body_.emplace(
            acceptor, IntakeBody::Facts{.run = segment_.identity(),
                                        .largest_payload = options.buffer_bytes,
                                        .last_id = [this] { return segment_.header().tail.load(); },
                                        .closing_fd = wake_.get()});
        intake_.emplace(*intake_body_);
    }

    Intake& intake() { return *intake_; }

    void run() { work_until_it_leaves(); }

    void begin_stop() {
        is_stopping_ = true;
        segment_.header().phase.store(Phase::draining);
    }
    void stop() {
        begin_stop();
        work_until_it_leaves();
    }

    Plan plan;
    const std::vector<Call>& calls() const { return calls_; }
    const std::vector<DeadLetter>& dead_letters() const { return letters_.all(); }
    std::string_view output() const { return output_.text(); }
    Status status() const { return status_of(kName, segment_.front()); }
    bool is_committed(std::uint64_t id) const {
        const Header& header = segment_.header();
        return id > 0 && id <= header.tail.load() &&
               (id <= header.head.load() || segment_.states().at(id - 1).is_done());
    }

  private:
    void work_until_it_leaves() {
        while (segment_.left() > 0 || is_stopping_) {
            try {
                work_as_one_consumer();
                return;
            } catch (const Killed&) {  // another one takes its place
            }
        }
    }

    void work_as_one_consumer() {
        const std::unique_ptr<Work> work = make_work_(output_);
        WatchedWork watched(*work, calls_, plan, [this] { begin_stop(); });
        Delivery delivery(segment_);
        Consumer(segment_, delivery, watched, log_, letters_, *this).run();
    }

    bool should_leave() const override { return segment_.left() == 0; }
    bool is_draining() const override { return is_stopping_; }
    bool is_last() const override { return true; }
    bool may_begin() const override { return true; }
    const std::atomic<bool>& has_news() const override { return is_stopping_; }
    int wake_fd() const override { return -1; }
    void records_written() override {}
    void warn(const std::string& /*what*/) override {}

    std::size_t accept(std::span<const std::string_view> payloads,
                       Source::Clock::time_point until) override {
        return accept_all(payloads.size(), until,
                          [&](std::size_t from) { return writer_->push(payloads.subspan(from)); });
    }
    std::size_t accept_records(const Source::Records& records,
                               Source::Clock::time_point until) override {
        return accept_all(records.count, until, [&](std::size_t from) {
            return writer_->push_records(records.first + from * records.bytes, records.count - from,
                                         records.bytes);
        });
    }
    template <typename Push>
    std::size_t accept_all(std::size_t count, Source::Clock::time_point until, Push push) {
        std::size_t accepted = 0;
        while (accepted < count) {
            const RingWriter::Pushed pushed = push(accepted);
            accepted += pushed.count;
            if (pushed.outcome == RingWriter::Outcome::intake_closed ||
                (pushed.outcome == RingWriter::Outcome::full && until == Source::kNever)) {
                break;
            }
            if (pushed.outcome == RingWriter::Outcome::full) {
                make_room();
            }
        }
        return accepted;
    }
    void make_room() {
        const std::uint64_t before = segment_.header().head.load();
        run();
        if (segment_.header().head.load() == before && !is_stopping_) {
            throw std::logic_error("the ring is full, and its consumer makes no room");
        }
    }
    bool is_over() const override { return is_stopping_; }

    Segment segment_;
    MakeWork make_work_;
    Log log_;
    KeptLetters letters_;
    KeptOutput output_;
    Descriptor wake_;
    std::vector<Call> calls_;
    std::optional<RingWriter> writer_;
    std::optional<IntakeBody> intake_body_;
    std::optional<Intake> intake_;
    std::atomic<bool> is_stopping_{false};
};

Pipeline::Pipeline(Handler handler, const Options& options)
    : body_(std::make_unique<Body>(
          [handler = std::move(handler)](LineOutput& output) {
              return std::make_unique<HandlerWork>(handler, output);
          },
          checked(options))) {}

Pipeline::Pipeline(BatchHandler handler, const Options& options)
    : body_(std::make_unique<Body>(
          [handler = std::move(handler), most = options.most_in_batch](LineOutput& output) {
              return std::make_unique<HandlerWork>(handler, most, output);
          },
          checked(options))) {}

Pipeline::Pipeline(AsyncHandler handler, const Options& options)
    : body_(std::make_unique<Body>(
          [handler = std::move(handler), window = options.window](LineOutput& output) {
              return std::make_unique<TokenWork>(handler, window, output);
          },
          checked(options))) {}

Pipeline::~Pipeline() = default;

Intake& Pipeline::intake() { return body_->intake(); }
void Pipeline::run() { body_->run(); }
void Pipeline::stop() { body_->stop(); }
void Pipeline::kill_before(std::uint64_t id) { body_->plan.kill_before.insert(id); }
void Pipeline::kill_after(std::uint64_t id) { body_->plan.kill_after.insert(id); }
void Pipeline::stop_at(std::uint64_t id) { body_->plan.stop_at.insert(id); }
const std::vector<Call>& Pipeline::calls() const { return body_->calls(); }
const std::vector<DeadLetter>& Pipeline::dead_letters() const { return body_->dead_letters(); }
std::string_view Pipeline::output() const { return body_->output(); }
bool Pipeline::is_committed(std::uint64_t id) const { return body_->is_committed(id); }
Status Pipeline::status() const { return body_->status(); }

}  // namespace drainpipe::testing
