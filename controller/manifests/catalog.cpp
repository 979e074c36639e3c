#include "controller/manifests/catalog.hpp"

#include <algorithm>
#include <utility>

#include "controller/translate/remarks.hpp"

namespace steelyard::manifests {
namespace {

std::string counted(size_t count, const char* what) {
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

size_t kind_index(std::string_view kind) {
    return static_cast<size_t>(std::find(kKinds.begin(), kKinds.end(), kind) - kKinds.begin());
}

// What is wrong in it though it can be used; the object goes on without that.
std::vector<std::string> remarks_on(const Object& object) {
    if (const auto* slice = std::get_if<kube::EndpointSlice>(&object))
        return translate::remarks(*slice, {.allow_loopback = true});
    if (const auto* pod = std::get_if<kube::Pod>(&object)) return translate::remarks(*pod);
    if (const auto* service = std::get_if<kube::Service>(&object)) return translate::remarks(*service);
    return {};
}

}  // namespace

std::string Catalog::line(const std::string& file, const std::string& rest) const {
    return directory_ + "/" + file + rest;
}

void Catalog::add_faults(const std::string& file, const std::vector<Fault>& faults, const File& old,
                         File& fresh) const {
    for (const Fault& fault : faults) {
        const bool had = old.objects.contains({kind_index(fault.place.kind), fault.place.key});
        const std::string what = fault.place.kind.empty() ? "document" : config::shown(fault.place.kind);
        fresh.problems.push_back(line(file, ", " + fault.place.to_string() + ": " + fault.error.to_string() + "; " +
                                                (had ? "the last good version stays in force"
                                                     : "the " + what + " is ignored until it is mended")));
    }
}

void Catalog::read(const std::string& file, Decoded decoded) {
    File fresh;
    for (Placed& placed : decoded.objects) {
        const Id id = id_of(placed.object);
        const std::string place = placed.place.to_string();
        const std::string where = ", " + place + ": ";
        const auto [entry, is_new] = fresh.objects.try_emplace(id);
        if (is_new) {
            for (const std::string& remark : remarks_on(placed.object)) {
                fresh.problems.push_back(line(file, where + remark));
            }
            entry->second = {std::make_shared<const Object>(std::move(placed.object)), place};
        } else {
            fresh.problems.push_back(
                line(file, where + "is declared in " + entry->second.place + " as well; that one is in force"));
        }
    }
    if (!decoded.faults.empty()) {
        const File& old = files_[file];
        add_faults(file, decoded.faults, old, fresh);
        size_t kept = 0;
        for (const auto& [id, entry] : old.objects) {
            if (!fresh.objects.emplace(id, entry).second) continue;
            const bool faulty =
                std::any_of(decoded.faults.begin(), decoded.faults.end(), [&, key = id](const Fault& fault) {
                    return kind_index(fault.place.kind) == key.kind && fault.place.key == key.key;
                });
            if (!faulty) ++kept;
        }
        if (kept != 0) {
            fresh.problems.push_back(line(
                file, ": " + counted(kept, "object") + " that it no longer names stay in force until it is mended"));
        }
    }
    replace(file, std::move(fresh));
}

void Catalog::failed(const std::string& file, const Error& error) {
    File fresh;
    fresh.objects = files_[file].objects;
    const size_t count = fresh.objects.size();
    fresh.problems.push_back(
        line(file, (error.where.empty() ? ": " : ", ") + error.to_string() +
                       (count == 0 ? "; the file is ignored until it is mended"
                                   : "; " + counted(count, "object") + " last read from it stay in force")));
    replace(file, std::move(fresh));
}

void Catalog::removed(const std::string& file) {
    replace(file, {});
    files_.erase(file);
}

void Catalog::replace(const std::string& file, File fresh) {
    File& mine = files_[file];
    for (const auto& [id, entry] : mine.objects) {
        touched_.insert(id);
        if (fresh.objects.contains(id)) continue;
        auto& in = declared_in_[id];
        in.erase(file);
        if (in.size() < 2) contested_.erase(id);
        if (in.empty()) declared_in_.erase(id);
    }
    for (const auto& [id, entry] : fresh.objects) {
        touched_.insert(id);
        auto& in = declared_in_[id];
        in.insert(file);
        if (in.size() > 1) contested_.insert(id);
    }
    mine = std::move(fresh);
}

// Lets the first file that declares the object have its way.
void Catalog::decide(const Id& id, Changes& changes) {
    const auto in = declared_in_.find(id);
    if (in == declared_in_.end()) {
        if (in_force_.erase(id) != 0) changes.remove.push_back({id.kind, id.key});
        return;
    }
    const std::shared_ptr<const Object>& winner = files_.at(*in->second.begin()).objects.at(id).object;
    std::shared_ptr<const Object>& mine = in_force_[id];
    const bool same = mine != nullptr && *mine == *winner;
    mine = winner;
    if (!same) changes.upsert.push_back(winner);
}

std::set<std::string> Catalog::standing() const {
    std::set<std::string> all;
    if (!problem_.empty()) all.insert(problem_);
    for (const auto& [name, file] : files_) all.insert(file.problems.begin(), file.problems.end());
    for (const Id& id : contested_) {
        const auto& in = declared_in_.at(id);
        for (auto file = std::next(in.begin()); file != in.end(); ++file) {
            all.insert(line(*file, ", " + files_.at(*file).objects.at(id).place + ": is declared in " + *in.begin() +
                                       ", " + files_.at(*in.begin()).objects.at(id).place +
                                       ", as well; that one is in force"));
        }
    }
    return all;
}

Catalog::Changes Catalog::take() {
    Changes changes;
    for (const Id& id : std::exchange(touched_, {})) decide(id, changes);
    std::set<std::string> now = standing();
    std::set_difference(now.begin(), now.end(), said_.begin(), said_.end(), std::back_inserter(changes.problems));
    std::set_difference(said_.begin(), said_.end(), now.begin(), now.end(), std::back_inserter(changes.mended));
    said_ = std::move(now);
    return changes;
}

std::vector<std::shared_ptr<const Object>> Catalog::in_force() const {
    std::vector<std::shared_ptr<const Object>> all;
    all.reserve(in_force_.size());
    for (const auto& [id, object] : in_force_) all.push_back(object);
    return all;
}

}  // namespace steelyard::manifests
